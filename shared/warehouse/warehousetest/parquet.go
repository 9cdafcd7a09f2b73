package warehousetest

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Parquet writes rows as one zstd object. fill appends every row to the builder.
func Parquet(t testing.TB, schema *arrow.Schema, fill func(b *array.RecordBuilder)) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	fill(b)
	rec := b.NewRecordBatch()
	defer rec.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	must(t, err)
	must(t, w.Write(rec))
	must(t, w.Close())
	return out.Bytes()
}

// sale is the row most tests load.
type sale struct {
	id   int64
	name string
	at   int64 // orders versions of one id
	file string
}

func sales(t *testing.T, h Harness, list ...sale) string {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "seq", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "file", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	return h.Put(t, fresh().Name+".parquet", Parquet(t, schema, func(b *array.RecordBuilder) {
		for _, s := range list {
			b.Field(0).(*array.Int64Builder).Append(s.id)
			b.Field(1).(*array.StringBuilder).Append(s.name)
			b.Field(2).(*array.Int64Builder).Append(s.at)
			b.Field(3).(*array.StringBuilder).Append(s.file)
		}
	}))
}

// parquetRows counts an object's rows and names its columns.
func parquetRows(t *testing.T, data []byte) (rows int64, columns []string) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	must(t, err)
	defer r.Close()
	s := r.MetaData().Schema
	for i := range s.NumColumns() {
		columns = append(columns, s.Column(i).Path())
	}
	return r.NumRows(), columns
}

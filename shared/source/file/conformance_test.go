package file

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
)

func TestConformance(t *testing.T) {
	for format, write := range map[string]func(*testing.T, []sourcetest.Row) []byte{"csv": writeCSV, "parquet": writeParquet} {
		t.Run(format, func(t *testing.T) {
			b := bucket(t)
			n := 0
			sourcetest.Run(t, sourcetest.Subject{
				Source: New(b), ChunkRows: 500, ChunkBytes: 8 << 10,
				Make: func(t *testing.T, rows []sourcetest.Row) (source.Object, []etl.File) {
					n++
					o := etl.FileOptions{Prefix: fmt.Sprintf("t%d/", n), Pattern: "*." + format}
					put(t, b, o.Prefix+"f."+format, write(t, rows))
					files, err := Match(context.Background(), b, o)
					if err != nil {
						t.Fatal(err)
					}
					return source.Object{Files: &o}, files
				},
			})
		})
	}
}

func writeCSV(t *testing.T, rows []sourcetest.Row) []byte {
	var b bytes.Buffer
	b.WriteString("id,text,amount\n")
	for _, r := range rows {
		text := ""
		if r.Text != nil {
			text = `"` + strings.ReplaceAll(*r.Text, `"`, `""`) + `"`
		}
		fmt.Fprintf(&b, "%d,%s,%s\n", r.ID, text, strconv.FormatFloat(r.Amount, 'f', -1, 64))
	}
	if _, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll(); err != nil {
		t.Fatalf("the test writes malformed CSV: %v", err)
	}
	return b.Bytes()
}

func writeParquet(t *testing.T, rows []sourcetest.Row) []byte {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int32}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "amount", Type: arrow.PrimitiveTypes.Float64}}, nil)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer rb.Release()
	for _, r := range rows {
		rb.Field(0).(*array.Int32Builder).Append(int32(r.ID))
		if r.Text == nil {
			rb.Field(1).AppendNull()
		} else {
			rb.Field(1).(*array.StringBuilder).Append(*r.Text)
		}
		rb.Field(2).(*array.Float64Builder).Append(r.Amount)
	}
	rec := rb.NewRecordBatch()
	defer rec.Release()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(700)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteBuffered(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

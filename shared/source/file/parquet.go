package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// rangeReader reads an object at any place, one range request a read.
type rangeReader struct {
	ctx  context.Context
	b    *objects.Bucket
	key  string
	size int64
	pos  int64
	read int64
}

func (r *rangeReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	in, err := r.b.NewRangeReader(r.ctx, r.key, off, int64(len(p)), nil)
	if err != nil {
		return 0, objects.Problem(err, r.key)
	}
	defer in.Close()
	n, err := io.ReadFull(in, p)
	r.read += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func (r *rangeReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek before the start of %q", r.key)
	}
	r.pos = offset
	return offset, nil
}

// openParquet reads a file's footer.
func openParquet(ctx context.Context, b *objects.Bucket, f etl.File) (*rangeReader, *pqarrow.FileReader, *arrow.Schema, error) {
	if f.Size == 0 {
		return nil, nil, nil, emptyFile(f.Key)
	}
	in := &rangeReader{ctx: ctx, b: b, key: f.Key, size: f.Size}
	bad := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return problem.New(problem.InvalidArgument, "file %q is not readable as Parquet", f.Key).WithCause("%v", err).
			WithNext(problem.TurnYou, "Write the file again and upload it.")
	}
	pf, err := pqfile.NewParquetReader(in)
	if err != nil {
		return nil, nil, nil, bad(err)
	}
	fr, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: source.BatchRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, nil, nil, bad(err)
	}
	schema, err := fr.Schema()
	if err != nil {
		return nil, nil, nil, bad(err)
	}
	return in, fr, schema, nil
}

// parquetColumns proposes the mapping of a Parquet schema.
func parquetColumns(s *arrow.Schema) []etl.Column {
	sources := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		sources[i] = f.Name
	}
	out := make([]etl.Column, len(sources))
	for i, n := range etl.Names(sources) {
		out[i] = etl.Column{Source: sources[i], Name: n, Confidence: "high"}
		out[i].Type, out[i].SourceType, out[i].Note = parquetType(s.Field(i).Type)
	}
	return out
}

func parquetType(t arrow.DataType) (typ warehouse.Type, sourceType, note string) {
	sourceType = t.String()
	switch t := t.(type) {
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return warehouse.Int64, sourceType, ""
	case *arrow.Uint64Type:
		return warehouse.Numeric, sourceType, ""
	case *arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type:
		return warehouse.Float64, sourceType, ""
	case *arrow.BooleanType:
		return warehouse.Bool, sourceType, ""
	case *arrow.StringType, *arrow.LargeStringType, *arrow.NullType:
		return warehouse.String, sourceType, ""
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.FixedSizeBinaryType:
		return warehouse.Bytes, sourceType, ""
	case *arrow.Date32Type, *arrow.Date64Type:
		return warehouse.Date, sourceType, ""
	case *arrow.TimestampType:
		return warehouse.Timestamp, sourceType, ""
	case *arrow.Time32Type, *arrow.Time64Type:
		return warehouse.Time, sourceType, ""
	case *arrow.DictionaryType:
		return parquetType(t.ValueType)
	case arrow.DecimalType:
		p, s := t.GetPrecision(), t.GetScale()
		sourceType = fmt.Sprintf("decimal(%d,%d)", p, s)
		if typ = source.DecimalType(int(p), int(s)); typ == warehouse.String {
			note = "more digits than the warehouse's decimals: kept as text"
		}
		return typ, sourceType, note
	case arrow.NestedType:
		return warehouse.JSON, sourceType, "nested values become JSON"
	}
	return warehouse.String, sourceType, "kept as text"
}

func (s *Source) describeParquet(ctx context.Context, f etl.File) (source.Description, error) {
	_, fr, schema, err := openParquet(ctx, s.bucket, f)
	if err != nil {
		return source.Description{}, err
	}
	d := source.Description{Columns: parquetColumns(schema), Format: formatParquet, Rows: fr.ParquetReader().NumRows()}
	if len(d.Columns) == 0 {
		return d, emptyFile(f.Key)
	}
	if d.Rows == 0 {
		return d, nil
	}
	rr, err := fr.GetRecordReader(ctx, nil, []int{0})
	if err != nil {
		return d, problem.Wrap(err, problem.InvalidArgument, "file %q is not readable as Parquet", f.Key)
	}
	defer rr.Release()
	if !rr.Next() {
		if err := rr.Err(); err != nil && !errors.Is(err, io.EOF) {
			return d, problem.Wrap(err, problem.InvalidArgument, "file %q is not readable as Parquet", f.Key)
		}
		return d, nil
	}
	rec := rr.RecordBatch()
	for i := range d.Columns {
		col := rec.Column(i)
		for j := 0; j < col.Len() && len(d.Columns[i].Samples) < 3; j++ {
			if !col.IsNull(j) {
				d.Columns[i].Samples = append(d.Columns[i].Samples, clipText([]byte(col.ValueStr(j)), 80))
			}
		}
	}
	return d, nil
}

func (s *Source) planParquet(ctx context.Context, f etl.File, r source.PlanRequest) ([]source.Chunk, int64, []string, error) {
	_, fr, schema, err := openParquet(ctx, s.bucket, f)
	if err != nil {
		return nil, 0, nil, err
	}
	header := make([]string, schema.NumFields())
	for i, x := range schema.Fields() {
		header[i] = x.Name
	}
	_, lacking, extra := bind(r.Columns, header)
	if len(lacking) == len(r.Columns) && len(r.Columns) > 0 {
		return nil, 0, nil, problem.New(problem.InvalidArgument, "file %q has none of the job's columns", f.Key).
			WithCause("its columns are %s", strings.Join(clip(header, 12), ", ")).
			WithNext(problem.TurnYou, "Check that it belongs to this table.")
	}
	pf := fr.ParquetReader()
	var out []source.Chunk
	var groups []int
	var rows, first int64
	cut := func() {
		if len(groups) == 0 {
			return
		}
		sp := spec{Key: f.Key, Generation: f.Generation, Format: formatParquet, Length: f.Size, RowGroups: groups, FileColumns: r.FileColumns, Line: first}
		out = append(out, sp.chunk(fmt.Sprintf("%s, row groups %d to %d", f.Key, groups[0], groups[len(groups)-1])))
		groups, first, rows = nil, first+rows, 0
	}
	for g := range pf.NumRowGroups() {
		groups = append(groups, g)
		rows += pf.MetaData().RowGroup(g).NumRows()
		if rows >= r.ChunkRows {
			cut()
		}
	}
	cut()
	return out, pf.NumRows(), differences(f.Key, lacking, extra), nil
}

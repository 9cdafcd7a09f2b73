package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
)

func (s *Source) readParquet(ctx context.Context, r source.ReadRequest, sp spec, to source.Sink) (source.Stats, error) {
	st := source.Stats{Nulled: map[string]int64{}}
	in, fr, schema, err := openParquet(ctx, s.bucket, etl.File{Key: sp.Key, Size: sp.Length})
	if err != nil {
		return st, err
	}
	header := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		header[i] = f.Name
	}
	at, _, _ := bind(r.Columns, header)
	var leaves []int
	wanted := map[int]bool{}
	for _, i := range at {
		if i >= 0 && !wanted[i] {
			wanted[i] = true
			leaves = appendLeaves(leaves, fr.Manifest.Fields[i])
		}
	}
	rr, err := fr.GetRecordReader(ctx, leaves, sp.RowGroups)
	if err != nil {
		return st, notParquet(ctx, sp.Key, err)
	}
	defer rr.Release()
	// The reader's fields are the wanted ones in file order.
	order := map[int]int{}
	for i := range schema.NumFields() {
		if wanted[i] {
			order[i] = len(order)
		}
	}
	for i, a := range at {
		if a >= 0 {
			at[i] = order[a]
		}
	}
	out := source.Schema(r.Columns, sp.FileColumns)
	row := sp.Line
	for ctx.Err() == nil && rr.Next() {
		rec := rr.RecordBatch()
		st.Rows += rec.NumRows()
		if err := convertRecord(rec, r.Columns, at, out, sp, row, st.Nulled, to); err != nil {
			return st, err
		}
		row += rec.NumRows()
	}
	if ctx.Err() != nil {
		return st, ctx.Err()
	}
	if err := rr.Err(); err != nil && !errors.Is(err, io.EOF) {
		return st, notParquet(ctx, sp.Key, err)
	}
	st.Bytes = in.read
	return st, nil
}

func notParquet(ctx context.Context, key string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if problem.Is(err, problem.Unavailable) {
		return err
	}
	return damaged(key, err)
}

func appendLeaves(leaves []int, f pqarrow.SchemaField) []int {
	if f.ColIndex >= 0 && len(f.Children) == 0 {
		return append(leaves, f.ColIndex)
	}
	for _, c := range f.Children {
		leaves = appendLeaves(leaves, c)
	}
	return leaves
}

// convertRecord maps one batch of the file to the job's columns. Rows with a
// value that does not fit are rejected; the rest goes on in slices.
func convertRecord(rec arrow.RecordBatch, columns []etl.Column, at []int, schema *arrow.Schema, sp spec, first int64, nulled map[string]int64, to source.Sink) error {
	n := int(rec.NumRows())
	arrs := make([]arrow.Array, 0, schema.NumFields())
	defer func() {
		for _, a := range arrs {
			a.Release()
		}
	}()
	bad := map[int]source.Reject{}
	for i, c := range columns {
		if at[i] < 0 {
			arrs = append(arrs, array.MakeArrayOfNull(memory.DefaultAllocator, schema.Field(i).Type, n))
			continue
		}
		arrs = append(arrs, convertArray(rec.Column(at[i]), c, func(row int, value, reason string) {
			if _, twice := bad[row]; !twice {
				bad[row] = source.Reject{Reason: fmt.Sprintf("column %s: %q is %s", c.Name, clipText([]byte(value), 80), reason), Kind: reason, Column: c.Name}
			}
		}, func(why string) { nulled[c.Name+": "+why]++ }))
	}
	if sp.FileColumns {
		arrs = append(arrs, repeat(sp.Key, n), repeat(sp.Generation, n))
	}
	out := array.NewRecordBatch(schema, arrs, int64(n))
	defer out.Release()
	from := 0
	send := func(until int) error {
		if until <= from {
			return nil
		}
		part := out.NewSlice(int64(from), int64(until))
		defer part.Release()
		return to.Batch(part)
	}
	for i := 0; i < n && len(bad) > 0; i++ {
		j, is := bad[i]
		if !is {
			continue
		}
		if err := send(i); err != nil {
			return err
		}
		from = i + 1
		j.Row, j.File, j.Line = rowText(rec, i), sp.Key, first+int64(i)+1
		if err := to.Reject(j); err != nil {
			return err
		}
	}
	return send(n)
}

func repeat(v string, n int) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(n)
	for range n {
		b.Append(v)
	}
	return b.NewArray()
}

func rowText(rec arrow.RecordBatch, i int) string {
	var b []byte
	for j := range int(rec.NumCols()) {
		if j > 0 {
			b = append(b, ',')
		}
		if !rec.Column(j).IsNull(i) {
			b = append(b, rec.Column(j).ValueStr(i)...)
		}
		if len(b) > source.RejectBytes {
			break
		}
	}
	return clipText(b, source.RejectBytes)
}

// Formats of values that ValueStr writes.
var arrowFormat = convert.Format{Decimal: '.', Order: convert.YMD}

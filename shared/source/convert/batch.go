package convert

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
)

// maxBatchBytes ends a batch early when rows are wide.
const maxBatchBytes = 24 << 20

// Batch collects rows column by column and hands full record batches to a sink.
// A row whose value is refused is left out of what the sink gets.
type Batch struct {
	cols   []*Column
	fixed  []string // values of trailing constant columns
	consts []arrow.Array
	schema *arrow.Schema
	sink   source.Sink
	rows   int
	bytes  int
	bad    []int
	isBad  bool
	nulled map[string]int64
}

// NewBatch makes a batch for columns. constants fill the trailing file columns of
// every row: key and generation, or nothing.
func NewBatch(sink source.Sink, columns []etl.Column, formats []Format, constants ...string) *Batch {
	b := &Batch{sink: sink, fixed: constants, schema: source.Schema(columns, len(constants) > 0), nulled: map[string]int64{}}
	for i, c := range columns {
		var f Format
		if i < len(formats) {
			f = formats[i]
		}
		b.cols = append(b.cols, NewColumn(c, f))
	}
	for _, v := range constants {
		sb := array.NewStringBuilder(memory.DefaultAllocator)
		for range source.BatchRows {
			sb.Append(v)
		}
		b.consts = append(b.consts, sb.NewArray())
	}
	return b
}

// Builder gives a column's Arrow builder, for values that are typed already.
func (b *Batch) Builder(i int) array.Builder { return b.cols[i].b }

// Grew tells of bytes that went into builders directly.
func (b *Batch) Grew(n int) { b.bytes += n }

// Nulled counts a value that became NULL for want of a counterpart.
func (b *Batch) Nulled(i int, why string) { b.nulled[b.cols[i].Name+": "+why]++ }

// Counts gives the values that became NULL, by "column: reason".
func (b *Batch) Counts() map[string]int64 { return b.nulled }

// Null appends NULL to a column.
func (b *Batch) Null(i int) { b.cols[i].b.AppendNull() }

// Bad marks the row under construction as one to leave out.
func (b *Batch) Bad() { b.isBad = true }

// Text appends a value given as text. reason is Fits, or NotIn when NULL took the
// place of a value the type has no room for; otherwise it says what was expected,
// NULL is in its place and the row is marked bad.
func (b *Batch) Text(i int, v []byte) (reason string) {
	c := b.cols[i]
	n := c.Bytes
	switch reason = c.Text(v); reason {
	case Fits:
		b.bytes += c.Bytes - n
	case NotIn:
		b.Nulled(i, NotIn)
		return Fits
	default:
		b.isBad = true
	}
	return reason
}

// EndRow completes a row; a full batch goes to the sink.
func (b *Batch) EndRow() error {
	if b.isBad {
		b.bad = append(b.bad, b.rows)
		b.isBad = false
	}
	b.rows++
	b.bytes += 8 * len(b.cols)
	if b.rows >= source.BatchRows || b.bytes >= maxBatchBytes {
		return b.Flush()
	}
	return nil
}

// Flush sends what is collected, good rows only, in order.
func (b *Batch) Flush() error {
	if b.rows == 0 {
		return nil
	}
	arrs := make([]arrow.Array, 0, len(b.cols)+len(b.consts))
	for _, c := range b.cols {
		arrs = append(arrs, c.b.NewArray())
	}
	for _, c := range b.consts {
		arrs = append(arrs, array.NewSlice(c, 0, int64(b.rows)))
	}
	rec := array.NewRecordBatch(b.schema, arrs, int64(b.rows))
	defer rec.Release()
	for _, a := range arrs {
		a.Release()
	}
	for _, c := range b.cols {
		c.b.Reserve(source.BatchRows)
	}
	bad, rows := b.bad, b.rows
	b.rows, b.bytes, b.bad = 0, 0, b.bad[:0]
	from := 0
	for _, x := range append(bad, rows) {
		if x > from {
			part := rec.NewSlice(int64(from), int64(x))
			err := b.sink.Batch(part)
			part.Release()
			if err != nil {
				return err
			}
		}
		from = x + 1
	}
	return nil
}

// Release frees the builders.
func (b *Batch) Release() {
	for _, c := range b.cols {
		c.b.Release()
	}
	for _, c := range b.consts {
		c.Release()
	}
}

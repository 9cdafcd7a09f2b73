package convert

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// maxBatchBytes ends a batch early when rows are wide.
const maxBatchBytes = 24 << 20

// Format says how a column's text is written at the source.
type Format struct {
	Decimal byte  // '.' or ','; 0 means '.'
	Group   byte  // thousands separator, 0 for none
	Order   Order // of dates; "" means YMD
}

// Batch collects rows column by column and hands full record batches to a sink.
// A row whose value is refused is left out of what the sink gets.
type Batch struct {
	cols   []column
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

type column struct {
	etl.Column
	f         Format
	b         array.Builder
	str       *array.StringBuilder
	i64       *array.Int64Builder
	f64       *array.Float64Builder
	ts        *array.TimestampBuilder
	dec       *array.Decimal128Builder
	precision int32
	scale     int32
}

// NewBatch makes a batch for columns. constants fill the trailing file columns of
// every row: key and generation, or nothing.
func NewBatch(sink source.Sink, columns []etl.Column, formats []Format, constants ...string) *Batch {
	b := &Batch{sink: sink, fixed: constants, schema: source.Schema(columns, len(constants) > 0), nulled: map[string]int64{}}
	for i, c := range columns {
		bl := array.NewBuilder(memory.DefaultAllocator, b.schema.Field(i).Type)
		bl.Reserve(source.BatchRows)
		col := column{Column: c, b: bl}
		if i < len(formats) {
			col.f = formats[i]
		}
		if col.f.Decimal == 0 {
			col.f.Decimal = '.'
		}
		if col.f.Order == "" {
			col.f.Order = YMD
		}
		switch bl := bl.(type) {
		case *array.StringBuilder:
			col.str = bl
		case *array.Int64Builder:
			col.i64 = bl
		case *array.Float64Builder:
			col.f64 = bl
		case *array.TimestampBuilder:
			col.ts = bl
		case *array.Decimal128Builder:
			col.dec = bl
			col.precision, col.scale = source.DecimalOf(c)
		}
		b.cols = append(b.cols, col)
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

// Text appends a value given as text. reason is empty when it fits; otherwise
// it says what was expected, NULL is in its place and the row is marked bad.
func (b *Batch) Text(i int, v []byte) (reason string) {
	c := &b.cols[i]
	switch c.Type {
	case warehouse.Int64:
		if n, ok := Int(v, c.f.Decimal, c.f.Group); ok {
			c.i64.Append(n)
			return ""
		}
		reason = "not an integer"
	case warehouse.Float64:
		f, null, ok := Float(v, c.f.Decimal, c.f.Group)
		switch {
		case null:
			c.b.AppendNull()
			b.Nulled(i, "NaN or infinity became NULL")
			return ""
		case ok:
			c.f64.Append(f)
			return ""
		}
		reason = "not a number"
	case warehouse.Numeric, warehouse.BigNumeric:
		if n, ok := Decimal(v, c.f.Decimal, c.f.Group, c.precision, c.scale); ok {
			c.dec.Append(n)
			return ""
		}
		reason = "not a decimal that fits"
	case warehouse.Bool:
		if t, ok := Bool(v); ok {
			c.b.(*array.BooleanBuilder).Append(t)
			return ""
		}
		reason = "not true or false"
	case warehouse.Timestamp, warehouse.DateTime:
		if m, ok := ParseMoment(v, c.f.Order); ok {
			c.ts.Append(arrow.Timestamp(m.UnixMicros()))
			return ""
		}
		reason = "not a date and time"
	case warehouse.Date:
		if m, ok := ParseMoment(v, c.f.Order); ok && m.HasDate && m.Micros == 0 {
			c.b.(*array.Date32Builder).Append(arrow.Date32(m.Days()))
			return ""
		}
		reason = "not a date"
	case warehouse.Time:
		if m, ok := ParseMoment(v, c.f.Order); ok && !m.HasDate {
			c.b.(*array.Time64Builder).Append(arrow.Time64(m.Micros))
			return ""
		}
		reason = "not a time of day"
	case warehouse.Bytes:
		if raw, err := base64.StdEncoding.DecodeString(str(v)); err == nil {
			c.b.(*array.BinaryBuilder).Append(raw)
			b.bytes += len(raw)
			return ""
		}
		reason = "not base64"
	default:
		switch {
		case !utf8.Valid(v):
			reason = "not valid text in the file's encoding"
		case c.Type == warehouse.JSON && !json.Valid(v):
			reason = "not valid JSON"
		default:
			c.str.Append(str(v)) // copies
			b.bytes += len(v)
			return ""
		}
	}
	c.b.AppendNull()
	b.isBad = true
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

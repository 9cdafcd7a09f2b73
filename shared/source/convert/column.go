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

// Format says how a column's text is written at the source.
type Format struct {
	Decimal byte  // '.' or ','; 0 means '.'
	Group   byte  // thousands separator, 0 for none
	Order   Order // of dates; "" means YMD
}

// Column builds one column's values.
type Column struct {
	etl.Column
	Format
	// Bytes counts the text appended.
	Bytes     int
	b         array.Builder
	str       *array.StringBuilder
	i64       *array.Int64Builder
	f64       *array.Float64Builder
	ts        *array.TimestampBuilder
	dec       *array.Decimal128Builder
	precision int32
	scale     int32
}

// NewColumn makes the builder of a column.
func NewColumn(c etl.Column, f Format) *Column {
	bl := array.NewBuilder(memory.DefaultAllocator, source.ArrowType(c))
	bl.Reserve(source.BatchRows)
	if f.Decimal == 0 {
		f.Decimal = '.'
	}
	if f.Order == "" {
		f.Order = YMD
	}
	col := &Column{Column: c, Format: f, b: bl}
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
	return col
}

// Builder gives the Arrow builder, for values that are typed already.
func (c *Column) Builder() array.Builder { return c.b }

// Reasons of Column.Text that are not refusals.
const (
	Fits  = ""
	NotIn = "NaN or infinity became NULL"
)

// Text appends a value given as text. reason is Fits, NotIn, or says what was
// expected; NULL is in its place then.
func (c *Column) Text(v []byte) (reason string) {
	switch c.Type {
	case warehouse.Int64:
		if n, ok := Int(v, c.Decimal, c.Group); ok {
			c.i64.Append(n)
			return Fits
		}
		reason = "not an integer"
	case warehouse.Float64:
		f, null, ok := Float(v, c.Decimal, c.Group)
		switch {
		case null:
			c.b.AppendNull()
			return NotIn
		case ok:
			c.f64.Append(f)
			return Fits
		}
		reason = "not a number"
	case warehouse.Numeric, warehouse.BigNumeric:
		if n, ok := Decimal(v, c.Decimal, c.Group, c.precision, c.scale); ok {
			c.dec.Append(n)
			return Fits
		}
		reason = "not a decimal that fits"
	case warehouse.Bool:
		if t, ok := Bool(v); ok {
			c.b.(*array.BooleanBuilder).Append(t)
			return Fits
		}
		reason = "not true or false"
	case warehouse.Timestamp, warehouse.DateTime:
		if m, ok := ParseMoment(v, c.Order); ok {
			c.ts.Append(arrow.Timestamp(m.UnixMicros()))
			return Fits
		}
		reason = "not a date and time"
	case warehouse.Date:
		if m, ok := ParseMoment(v, c.Order); ok && m.HasDate && m.Micros == 0 {
			c.b.(*array.Date32Builder).Append(arrow.Date32(m.Days()))
			return Fits
		}
		reason = "not a date"
	case warehouse.Time:
		if m, ok := ParseMoment(v, c.Order); ok && !m.HasDate {
			c.b.(*array.Time64Builder).Append(arrow.Time64(m.Micros))
			return Fits
		}
		reason = "not a time of day"
	case warehouse.Bytes:
		if raw, err := base64.StdEncoding.DecodeString(str(v)); err == nil {
			c.b.(*array.BinaryBuilder).Append(raw)
			c.Bytes += len(raw)
			return Fits
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
			c.Bytes += len(v)
			return Fits
		}
	}
	c.b.AppendNull()
	return reason
}

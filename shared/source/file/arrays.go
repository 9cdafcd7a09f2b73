package file

import (
	"encoding/json"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// convertArray gives one column in its target type. What needs no conversion is
// shared; numbers and times are converted as such; the rest goes through text.
// bad is told of every value that does not fit, null of those that became NULL.
func convertArray(in arrow.Array, c etl.Column, bad func(row int, value, reason string), null func(why string)) arrow.Array {
	want := source.ArrowType(c)
	if d, ok := in.(*array.Dictionary); ok {
		return viaText(d, c, bad, null)
	}
	switch {
	case arrow.TypeEqual(in.DataType(), want):
		switch a := in.(type) {
		case *array.Float64:
			if finite(a) {
				return share(in)
			}
		case *array.String:
			if c.Type == warehouse.String && (len(a.ValueBytes()) == 0 || utf8.Valid(a.ValueBytes())) {
				return share(in)
			}
		default:
			return share(in)
		}
	case c.Type == warehouse.Int64:
		if get := integers(in); get != nil {
			return build(in, c, func(b array.Builder, i int) { b.(*array.Int64Builder).Append(get(i)) })
		}
	case c.Type == warehouse.Timestamp || c.Type == warehouse.DateTime:
		if get := micros(in); get != nil {
			return build(in, c, func(b array.Builder, i int) { b.(*array.TimestampBuilder).Append(arrow.Timestamp(get(i))) })
		}
	case c.Type == warehouse.Date:
		if a, ok := in.(*array.Date64); ok {
			return build(in, c, func(b array.Builder, i int) {
				b.(*array.Date32Builder).Append(arrow.Date32FromTime(a.Value(i).ToTime()))
			})
		}
	case c.Type == warehouse.Time:
		if get := timeOfDay(in); get != nil {
			return build(in, c, func(b array.Builder, i int) { b.(*array.Time64Builder).Append(arrow.Time64(get(i))) })
		}
	case c.Type == warehouse.Bytes:
		switch a := in.(type) {
		case *array.LargeBinary:
			return build(in, c, func(b array.Builder, i int) { b.(*array.BinaryBuilder).Append(a.Value(i)) })
		case *array.FixedSizeBinary:
			return build(in, c, func(b array.Builder, i int) { b.(*array.BinaryBuilder).Append(a.Value(i)) })
		}
	}
	if a, ok := in.(*array.Float32); ok && c.Type == warehouse.Float64 {
		return build(in, c, func(b array.Builder, i int) {
			v := float64(a.Value(i))
			if math.IsNaN(v) || math.IsInf(v, 0) {
				null(convert.NotIn)
				b.AppendNull()
				return
			}
			b.(*array.Float64Builder).Append(v)
		})
	}
	return viaText(in, c, bad, null)
}

func share(a arrow.Array) arrow.Array { a.Retain(); return a }

func finite(a *array.Float64) bool {
	for _, v := range a.Float64Values() {
		if v-v != 0 { // NaN and infinities
			return false
		}
	}
	return true
}

func build(in arrow.Array, c etl.Column, add func(b array.Builder, i int)) arrow.Array {
	b := convert.NewColumn(c, arrowFormat).Builder()
	defer b.Release()
	for i := range in.Len() {
		if in.IsNull(i) {
			b.AppendNull()
		} else {
			add(b, i)
		}
	}
	return b.NewArray()
}

func integers(in arrow.Array) func(int) int64 {
	switch a := in.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint32:
		return func(i int) int64 { return int64(a.Value(i)) }
	}
	return nil
}

// micros gives UTC microseconds; finer parts are cut towards the past.
func micros(in arrow.Array) func(int) int64 {
	switch a := in.(type) {
	case *array.Timestamp:
		per, times := int64(1), int64(1)
		switch a.DataType().(*arrow.TimestampType).Unit {
		case arrow.Second:
			times = 1_000_000
		case arrow.Millisecond:
			times = 1000
		case arrow.Nanosecond:
			per = 1000
		}
		return func(i int) int64 {
			v := int64(a.Value(i)) * times
			q := v / per
			if v%per < 0 {
				q--
			}
			return q
		}
	case *array.Date32:
		return func(i int) int64 { return int64(a.Value(i)) * 86_400_000_000 }
	case *array.Date64:
		return func(i int) int64 { return int64(a.Value(i)) * 1000 }
	}
	return nil
}

func timeOfDay(in arrow.Array) func(int) int64 {
	switch a := in.(type) {
	case *array.Time32:
		times := int64(1000)
		if a.DataType().(*arrow.Time32Type).Unit == arrow.Second {
			times = 1_000_000
		}
		return func(i int) int64 { return int64(a.Value(i)) * times }
	case *array.Time64:
		return func(i int) int64 { return int64(a.Value(i)) / 1000 } // nanoseconds
	}
	return nil
}

// viaText converts value by value under the rules all text follows.
func viaText(in arrow.Array, c etl.Column, bad func(int, string, string), null func(string)) arrow.Array {
	col := convert.NewColumn(c, arrowFormat)
	defer col.Builder().Release()
	for i := range in.Len() {
		if in.IsNull(i) {
			col.Builder().AppendNull()
			continue
		}
		text := valueText(in, i, c.Type)
		if text == "" && c.Type != warehouse.String {
			col.Builder().AppendNull()
			continue
		}
		switch why := col.Text([]byte(text)); why {
		case convert.Fits:
		case convert.NotIn:
			null(why)
		default:
			bad(i, text, why)
		}
	}
	return col.Builder().NewArray()
}

func valueText(in arrow.Array, i int, want warehouse.Type) string {
	switch a := in.(type) {
	case *array.Binary:
		if want != warehouse.Bytes {
			return string(a.Value(i))
		}
	case *array.LargeString:
		return a.Value(i)
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	}
	if _, nested := in.DataType().(arrow.NestedType); nested {
		if d, ok := in.(*array.Dictionary); ok {
			return valueText(d.Dictionary(), d.GetValueIndex(i), want)
		}
		b, err := json.Marshal(in.GetOneForMarshal(i))
		if err != nil {
			return in.ValueStr(i)
		}
		return string(b)
	}
	if d, ok := in.(*array.Dictionary); ok {
		return valueText(d.Dictionary(), d.GetValueIndex(i), want)
	}
	return in.ValueStr(i)
}

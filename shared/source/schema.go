package source

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Schema gives the Arrow schema of record batches that hold columns.
func Schema(columns []etl.Column, fileColumns bool) *arrow.Schema {
	fields := make([]arrow.Field, 0, len(columns)+2)
	for _, c := range columns {
		fields = append(fields, arrow.Field{Name: c.Name, Type: ArrowType(c), Nullable: true})
	}
	if fileColumns {
		for _, name := range []string{etl.FileColumn, etl.FileGenerationColumn} {
			fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
		}
	}
	return arrow.NewSchema(fields, nil)
}

// ArrowType gives the Arrow type that carries a column. A NUMERIC column whose
// source declares precision and scale keeps them, so that small decimals stay
// scaled 64-bit integers in Parquet.
func ArrowType(c etl.Column) arrow.DataType {
	switch c.Type {
	case warehouse.Int64:
		return arrow.PrimitiveTypes.Int64
	case warehouse.Float64:
		return arrow.PrimitiveTypes.Float64
	case warehouse.Numeric, warehouse.BigNumeric:
		p, s := DecimalOf(c)
		return &arrow.Decimal128Type{Precision: p, Scale: s}
	case warehouse.Bool:
		return arrow.FixedWidthTypes.Boolean
	case warehouse.Date:
		return arrow.FixedWidthTypes.Date32
	case warehouse.DateTime:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case warehouse.Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case warehouse.Time:
		return arrow.FixedWidthTypes.Time64us
	case warehouse.Bytes:
		return arrow.BinaryTypes.Binary
	}
	return arrow.BinaryTypes.String
}

var declared = regexp.MustCompile(`^(?:numeric|decimal)\((\d{1,4}),(-?\d{1,4})\)$`)

// DecimalOf gives the precision and scale that carry a NUMERIC or BIGNUMERIC
// column: the declared ones where they fit the type, else the type's own, at most
// 38 digits.
func DecimalOf(c etl.Column) (precision, scale int32) {
	precision, scale = 38, 9
	if c.Type == warehouse.BigNumeric {
		scale = 18
	}
	if m := declared.FindStringSubmatch(strings.ToLower(strings.ReplaceAll(c.SourceType, " ", ""))); m != nil {
		p, _ := strconv.Atoi(m[1])
		s, _ := strconv.Atoi(m[2])
		if t := DecimalType(p, s); t == c.Type || t == warehouse.Numeric {
			return int32(p), int32(s)
		}
	}
	return precision, scale
}

// DecimalType gives the narrowest warehouse type that holds every value of a
// decimal of precision p and scale s: NUMERIC (29 digits before, 9 after the
// point), BIGNUMERIC in the part every platform holds exactly (20 before, 18
// after), else STRING.
func DecimalType(p, s int) warehouse.Type {
	switch {
	case p < 1 || s < 0 || s > p:
		return warehouse.String
	case s <= 9 && p-s <= 29:
		return warehouse.Numeric
	case s <= 18 && p-s <= 20:
		return warehouse.BigNumeric
	}
	return warehouse.String
}

package bigquery

import (
	"math/big"
	"slices"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// The REST API has names of its own for three types
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema).
var restNames = map[warehouse.Type]bq.FieldType{
	warehouse.Int64: bq.IntegerFieldType, warehouse.Float64: bq.FloatFieldType, warehouse.Bool: bq.BooleanFieldType,
}

// conversions are what a column loaded from Parquet can be written as, besides its own type
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules, and
// what PARSE_JSON and ST_GEOGFROM take).
var conversions = map[warehouse.Type][]warehouse.Type{
	warehouse.String: {warehouse.Int64, warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric, warehouse.Bool, warehouse.Date,
		warehouse.DateTime, warehouse.Timestamp, warehouse.Time, warehouse.JSON, warehouse.Bytes, warehouse.Geography},
	warehouse.Int64:      {warehouse.String, warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric, warehouse.Bool},
	warehouse.Float64:    {warehouse.String, warehouse.Int64, warehouse.Numeric, warehouse.BigNumeric},
	warehouse.Numeric:    {warehouse.String, warehouse.Int64, warehouse.Float64, warehouse.BigNumeric},
	warehouse.BigNumeric: {warehouse.String, warehouse.Int64, warehouse.Float64, warehouse.Numeric},
	warehouse.Bool:       {warehouse.String, warehouse.Int64},
	warehouse.Date:       {warehouse.String, warehouse.DateTime, warehouse.Timestamp},
	warehouse.DateTime:   {warehouse.String, warehouse.Date, warehouse.Timestamp, warehouse.Time},
	warehouse.Timestamp:  {warehouse.String, warehouse.Date, warehouse.DateTime, warehouse.Time},
	warehouse.Time:       {warehouse.String},
	warehouse.Bytes:      {warehouse.String, warehouse.Geography},
}

func converts(from, to warehouse.Type) bool {
	return from == to || slices.Contains(conversions[from], to)
}

func schemaOf(cols []warehouse.Column) bq.Schema {
	s := make(bq.Schema, len(cols))
	for i, c := range cols {
		t, ok := restNames[c.Type]
		if !ok {
			t = bq.FieldType(c.Type)
		}
		s[i] = &bq.FieldSchema{Name: c.Name, Type: t, Repeated: c.Repeated, Required: c.Required, Description: c.Description}
	}
	return s
}

// columnsOf gives the columns of a schema. InvalidArgument for what no column type keeps.
func columnsOf(s bq.Schema) ([]warehouse.Column, error) {
	cols := make([]warehouse.Column, len(s))
	for i, f := range s {
		c := warehouse.Column{Name: f.Name, Type: warehouse.Type(f.Type), Repeated: f.Repeated, Required: f.Required, Description: f.Description}
		switch f.Type {
		case bq.IntegerFieldType:
			c.Type = warehouse.Int64
		case bq.FloatFieldType:
			c.Type = warehouse.Float64
		case bq.BooleanFieldType:
			c.Type = warehouse.Bool
		case bq.RecordFieldType, bq.IntervalFieldType, bq.RangeFieldType:
			return nil, problem.New(problem.InvalidArgument, "column %q has the type %s, which no warehouse column can keep", f.Name, f.Type).
				WithNext(problem.TurnYou, "Select its parts, or cast it to STRING or JSON.")
		}
		cols[i] = c
	}
	return cols, nil
}

// value gives what Rows promises for one value of the client.
func value(v bq.Value, c warehouse.Column) (any, error) {
	switch v := v.(type) {
	case nil, string, int64, float64, bool, []byte:
		return v, nil
	case time.Time:
		return v.UTC(), nil
	case civil.Date:
		return v.In(time.UTC), nil
	case civil.DateTime:
		return v.In(time.UTC), nil
	case civil.Time:
		return time.Date(1970, 1, 1, v.Hour, v.Minute, v.Second, v.Nanosecond, time.UTC).Format("15:04:05.999999"), nil
	case *big.Rat:
		digits := 9
		if c.Type == warehouse.BigNumeric {
			digits = 38
		}
		text := v.FloatString(digits)
		return strings.TrimSuffix(strings.TrimRight(text, "0"), "."), nil
	case []bq.Value:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = value(v[i], c); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, problem.New(problem.Internal, "column %q has a value of Go type %T", c.Name, v)
}

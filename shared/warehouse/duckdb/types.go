package duckdb

import (
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
)

var duckSQL dialect.DuckDB

// columnDDL writes one column of CREATE TABLE.
func columnDDL(c warehouse.Column) string {
	s := duckSQL.Ident(c.Name) + " " + physical(c)
	if c.Required {
		s += " NOT NULL"
	}
	return s
}

func physical(c warehouse.Column) string {
	t := duckSQL.Type(c.Type)
	if c.Repeated {
		t += "[]"
	}
	return t
}

// logical gives the column type of a DuckDB type name.
func logical(name, duckType string) (warehouse.Column, error) {
	c := warehouse.Column{Name: name}
	if elem, ok := strings.CutSuffix(duckType, "[]"); ok {
		inner, err := logical(name, elem)
		if err != nil || inner.Repeated {
			return c, noType(name, duckType)
		}
		inner.Repeated = true
		return inner, nil
	}
	base, args, _ := strings.Cut(duckType, "(")
	switch base {
	case "BOOLEAN":
		c.Type = warehouse.Bool
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT":
		c.Type = warehouse.Int64
	case "FLOAT", "DOUBLE":
		c.Type = warehouse.Float64
	case "DECIMAL":
		c.Type = warehouse.Numeric
		if _, scale, ok := strings.Cut(strings.TrimSuffix(args, ")"), ","); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(scale)); err == nil && n > 9 {
				c.Type = warehouse.BigNumeric
			}
		}
	case "VARCHAR", "ENUM", "UUID":
		c.Type = warehouse.String
	case "DATE":
		c.Type = warehouse.Date
	case "TIME":
		c.Type = warehouse.Time
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS":
		c.Type = warehouse.DateTime
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ":
		c.Type = warehouse.Timestamp
	case "JSON":
		c.Type = warehouse.JSON
	case "BLOB":
		c.Type = warehouse.Bytes
	case "NULL", `"NULL"`, "SQLNULL":
		c.Type = warehouse.String // a bare NULL, as BigQuery's is INT64: no type is right
	default:
		return c, noType(name, duckType)
	}
	return c, nil
}

func noType(name, duckType string) error {
	return problem.New(problem.InvalidArgument, "column %q has the type %s, which no warehouse column can keep", name, duckType).
		WithNext(problem.TurnYou, "Cast the column to a type of BigQuery's set.")
}

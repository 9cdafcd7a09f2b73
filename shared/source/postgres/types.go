package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// catalogueColumn is a column as the catalogue describes it, domains resolved.
type catalogueColumn struct {
	name     string
	notNull  bool
	shown    string // format_type of the base type, e.g. "numeric(12,2)"
	base     string // pg_type.typname of the base type
	typtype  string // "b" base, "e" enum, "c" composite, "r" range, "m" multirange
	category string // "A" array
	nullFrac float64
}

// mapping says how a column travels: the expression COPY selects, with %s for the
// quoted column, and how its binary form is read.
type mapping struct {
	typ    warehouse.Type
	expr   string
	decode decoder
	show   func(v []byte) string
	note   string
}

func textual(v []byte) string { return string(v) }

// native gives the mapping of a source type to its own warehouse type.
func (c catalogueColumn) native() mapping {
	switch {
	case c.category == "A":
		return mapping{warehouse.JSON, "to_jsonb(%s)::text", decodeText, textual, "arrays become JSON"}
	case c.typtype == "e":
		return mapping{warehouse.String, "%s", decodeText, textual, ""}
	}
	switch c.base {
	case "int2", "int4", "int8":
		return mapping{warehouse.Int64, "%s", decodeInt, showInt, ""}
	case "oid", "xid", "cid":
		return mapping{warehouse.Int64, "%s::text::int8", decodeInt, showInt, ""}
	case "float4", "float8":
		return mapping{warehouse.Float64, "%s", decodeFloat, showFloat, ""}
	case "numeric":
		return c.numeric("%s")
	case "money":
		return mapping{warehouse.Numeric, "%s::numeric", decodeNumeric(38, 9), numericText, ""}
	case "bool":
		return mapping{warehouse.Bool, "%s", decodeBool, func(v []byte) string { return strconv.FormatBool(len(v) == 1 && v[0] != 0) }, ""}
	case "text", "varchar", "name", "citext":
		return mapping{warehouse.String, "%s", decodeText, textual, ""}
	case "date":
		return mapping{warehouse.Date, "%s", decodeDate, showDate, ""}
	case "timestamp", "timestamptz":
		return mapping{warehouse.Timestamp, "%s", decodeTimestamp, showTimestamp, ""}
	case "time":
		return mapping{warehouse.Time, "%s", decodeTime, showTime, ""}
	case "timetz":
		return mapping{warehouse.Time, "(%s AT TIME ZONE 'UTC')::time", decodeTime, showTime, "in UTC"}
	case "json":
		return mapping{warehouse.JSON, "%s", decodeText, textual, ""}
	case "jsonb":
		return mapping{warehouse.JSON, "%s", decodeJSONB, func(v []byte) string { return string(v[min(1, len(v)):]) }, ""}
	case "uuid":
		return mapping{warehouse.String, "%s", decodeUUID, hex.EncodeToString, ""}
	case "bytea":
		return mapping{warehouse.Bytes, "%s", decodeBytes, hex.EncodeToString, ""}
	case "point":
		return mapping{warehouse.Geography, "'POINT(' || (%[1]s)[0]::text || ' ' || (%[1]s)[1]::text || ')'", decodeText, textual, ""}
	}
	// interval, inet, cidr, macaddr, bpchar, xml, bit, ranges, composites and
	// whatever an extension adds: as the server writes them.
	return mapping{warehouse.String, "%s::text", decodeText, textual, ""}
}

// numeric chooses the narrowest warehouse decimal that holds every value of the
// declared type; a type without a declaration holds anything.
func (c catalogueColumn) numeric(expr string) mapping {
	m := mapping{expr: expr, show: numericText}
	_, args, declared := strings.Cut(c.shown, "(")
	if !declared {
		m.typ, m.decode = warehouse.Numeric, decodeNumeric(38, 9)
		m.note = "rows with more than 29 digits before or 9 after the point are rejected; STRING keeps any number"
		return m
	}
	ps, ss, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	p, perr := strconv.Atoi(ps)
	s := 0
	var serr error
	if ss != "" {
		s, serr = strconv.Atoi(ss)
	}
	m.typ = source.DecimalType(p, s)
	if perr != nil || serr != nil || m.typ == warehouse.String {
		return mapping{warehouse.String, expr + "::text", decodeText, textual, "more digits than the warehouse's decimals: kept as text"}
	}
	precision, scale := source.DecimalOf(etl.Column{Type: m.typ, SourceType: c.shown})
	m.decode = decodeNumeric(precision, scale)
	return m
}

// to gives the mapping to the type a job wants. A type other than the native one
// goes through text and the rules all text follows.
func (c catalogueColumn) to(want etl.Column) mapping {
	m := c.native()
	switch {
	case m.typ == want.Type && (want.Type == warehouse.Numeric || want.Type == warehouse.BigNumeric):
		// The decimal that carries the column is the job's, which may be older than
		// the column's present declaration.
		precision, scale := source.DecimalOf(want)
		m.decode = decodeNumeric(precision, scale)
		return m
	case m.typ == want.Type:
		return m
	case c.base == "numeric" && (want.Type == warehouse.Numeric || want.Type == warehouse.BigNumeric):
		precision, scale := source.DecimalOf(want)
		return mapping{want.Type, "%s", decodeNumeric(precision, scale), numericText, ""}
	case (m.typ == warehouse.Timestamp) && want.Type == warehouse.DateTime:
		m.typ = want.Type
		return m
	case c.base == "date" && (want.Type == warehouse.Timestamp || want.Type == warehouse.DateTime):
		return mapping{want.Type, "%s::timestamp", decodeTimestamp, showTimestamp, ""}
	case want.Type == warehouse.Float64 && m.typ == warehouse.Int64:
		return mapping{want.Type, "%s::float8", decodeFloat, showFloat, ""}
	case want.Type == warehouse.String && c.base == "bytea":
		return mapping{want.Type, "encode(%s, 'base64')", decodeText, textual, ""}
	case want.Type == warehouse.Bytes:
		return mapping{want.Type, "convert_to(%s::text, 'UTF8')", decodeBytes, hex.EncodeToString, ""}
	}
	expr := strings.TrimSuffix(m.expr, "::text") + "::text"
	if c.category == "A" || c.base == "point" {
		expr = m.expr
	}
	return mapping{want.Type, expr, decodeAny, textual, ""}
}

// decodeAny converts text under the common rules.
func decodeAny(b *convert.Batch, i int, v []byte) error {
	if why := b.Text(i, v); why != convert.Fits {
		return misfit{strconv.Quote(string(v[:min(len(v), 80)])) + " is " + why}
	}
	return nil
}

func showInt(v []byte) string {
	switch len(v) {
	case 2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(v))))
	case 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(v))))
	case 8:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(v)), 10)
	}
	return ""
}

func showFloat(v []byte) string {
	switch len(v) {
	case 4:
		return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(v))), 'g', -1, 32)
	case 8:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(v)), 'g', -1, 64)
	}
	return ""
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func showDate(v []byte) string {
	return epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(v)))).Format(time.DateOnly)
}

func showTimestamp(v []byte) string {
	return time.UnixMicro(epochMicros + int64(binary.BigEndian.Uint64(v))).UTC().Format("2006-01-02 15:04:05.999999")
}

func showTime(v []byte) string {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(v))).UTC().Format("15:04:05.999999")
}

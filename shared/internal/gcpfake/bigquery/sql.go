package bigquery

import (
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// quote writes a constant of GoogleSQL
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#string_and_bytes_literals).
func quote(s string) string {
	return "'" + strings.NewReplacer("\\", `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

func ident(s string) string {
	return "`" + strings.NewReplacer("\\", `\\`, "`", "\\`").Replace(s) + "`"
}

func name(t *bq.TableReference) string { return ident(t.DatasetId) + "." + ident(t.TableId) }

// columns writes a column list. The precision is BigQuery's own of the bare type
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types);
// DuckDB's widest decimal has 38 digits. Geography is its text.
func columns(fields []*bq.TableFieldSchema) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		t := fieldTypes[f.Type]
		switch t {
		case "NUMERIC":
			t = "NUMERIC(38, 9)"
		case "BIGNUMERIC":
			t = "BIGNUMERIC(38, 18)"
		case "GEOGRAPHY":
			t = "STRING"
		}
		if f.Mode == "REPEATED" {
			t = "ARRAY<" + t + ">"
		}
		list[i] = ident(f.Name) + " " + t
		if f.Mode == "REQUIRED" {
			list[i] += " NOT NULL"
		}
	}
	return strings.Join(list, ", ")
}

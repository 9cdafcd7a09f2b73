package bigquery

import (
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// check is one number that checkSQL counts.
type check struct {
	column warehouse.Column
	key    bool // rows whose key is NULL
	absent bool // rows without a value that the table requires; otherwise rows whose value does not convert
}

// checkSQL counts in one pass over the staging table.
func checkSQL(p *plan) (string, []check) {
	var list []string
	var checks []check
	add := func(c check, cond string) {
		list = append(list, fmt.Sprintf("COUNTIF(%s) AS n%d", cond, len(list)))
		checks = append(checks, c)
	}
	for _, from := range p.objects.columns {
		to, _ := warehouse.FindColumn(p.target, from.Name)
		name := bigSQL.Ident(from.Name)
		if to.Required {
			add(check{column: to, absent: true}, name+" IS NULL")
		}
		if from.Type != to.Type {
			add(check{column: to}, fmt.Sprintf("%s IS NOT NULL AND %s IS NULL", name, convert(name, from.Type, to.Type, true)))
		}
	}
	for _, k := range p.Keys {
		from, _ := warehouse.FindColumn(p.objects.columns, k)
		to, _ := warehouse.FindColumn(p.target, k)
		add(check{column: to, key: true}, bigSQL.Ident(from.Name)+" IS NULL")
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(list, ", "), bigSQL.Table(p.staging)), checks
}

// convert writes a staged value as the target's type; safe gives NULL where that is impossible.
func convert(expr string, from, to warehouse.Type, safe bool) string {
	prefix := ""
	if safe {
		prefix = "SAFE."
	}
	switch {
	case from == to:
		return expr
	case to == warehouse.JSON:
		// Numbers that no FLOAT64 holds exactly are rounded rather than refused.
		return prefix + "PARSE_JSON(" + expr + ", wide_number_mode=>'round')"
	case to == warehouse.Geography:
		return prefix + "ST_GEOGFROM(" + expr + ")"
	case safe:
		return bigSQL.SafeCast(expr, to)
	}
	return fmt.Sprintf("CAST(%s AS %s)", expr, bigSQL.Type(to))
}

// applySQL is the commit: a script of one transaction. The record is written first,
// with counts of the same snapshot that the changes then see
// (https://cloud.google.com/bigquery/docs/transactions): what is counted is what is
// changed. A script that fails is rolled back.
//
// The condition holds in any case; the job's id already keeps a second transaction of
// the same commit away.
func applySQL(p *plan) (string, map[string]any) {
	target := bigSQL.Table(p.Target)
	params := map[string]any{"id": p.ID, "dataset": p.Target.Dataset, "name": p.Target.Name, "rows_read": p.objects.rows}
	var names, values []string
	for _, from := range p.objects.columns {
		to, _ := warehouse.FindColumn(p.target, from.Name)
		names = append(names, bigSQL.Ident(to.Name))
		values = append(values, staged(from, to))
	}
	list := strings.Join(names, ", ")
	rows := fmt.Sprintf("SELECT %s FROM %s", strings.Join(values, ", "), bigSQL.Table(p.staging))
	deleted, counts := "0", ""
	var changes []string
	switch p.Mode {
	case warehouse.Replace:
		deleted = "(SELECT COUNT(*) FROM " + target + ")"
		changes = append(changes, "DELETE FROM "+target+" WHERE TRUE")
	case warehouse.ReplaceFiles:
		if len(p.Files) > 0 {
			params["files"] = p.Files
			where := " WHERE " + bigSQL.InArray("CAST("+bigSQL.Ident(p.FileColumn)+" AS STRING)", "files")
			deleted = "(SELECT COUNT(*) FROM " + target + where + ")"
			changes = append(changes, "DELETE FROM "+target+where)
		}
	case warehouse.Upsert:
		if p.staged() {
			keys, match := keysSQL(p)
			counts = upsertCounts(target, keys, match)
			changes = append(changes, fmt.Sprintf("DELETE FROM %s AS t WHERE EXISTS (SELECT 1 FROM (%s) AS b WHERE %s)", target, keys, match))
			rows = latestSQL(p, list, rows)
		}
	}
	if p.staged() {
		changes = append(changes, fmt.Sprintf("INSERT INTO %s (%s)\n%s", target, list, rows))
	}
	if counts == "" {
		counts = "SELECT @rows_read AS inserted, 0 AS updated, " + deleted + " AS deleted"
	}
	record := fmt.Sprintf("INSERT INTO %s (id, dataset, name, rows_read, inserted, updated, deleted, committed)\nSELECT @id, @dataset, @name, @rows_read, inserted, updated, deleted, CURRENT_TIMESTAMP()\nFROM (%s)",
		bigSQL.Table(ledger.Ref), counts)
	return fmt.Sprintf("BEGIN TRANSACTION;\nIF NOT EXISTS (SELECT 1 FROM %s WHERE id = @id) THEN\n%s;\nEND IF;\nCOMMIT TRANSACTION;",
		bigSQL.Table(ledger.Ref), strings.Join(append([]string{record}, changes...), ";\n")), params
}

// staged writes a column of the staging table as the target's.
func staged(from, to warehouse.Column) string {
	name := bigSQL.Ident(from.Name)
	return fmt.Sprintf("%s AS %s", convert(name, from.Type, to.Type, false), bigSQL.Ident(to.Name))
}

// keysSQL gives the keys of the batch as a query, and the condition under which a row t
// of the target and a row b of that query have the same. NULL keys equal each other; a
// join needs an equality to be fast, so keys are compared as JSON text, only where the
// batch has NULLs.
func keysSQL(p *plan) (keys, match string) {
	var values, equal []string
	for _, k := range p.Keys {
		from, _ := warehouse.FindColumn(p.objects.columns, k)
		to, _ := warehouse.FindColumn(p.target, k)
		values = append(values, staged(from, to))
		name := bigSQL.Ident(to.Name)
		if p.nullable[to.Name] {
			equal = append(equal, fmt.Sprintf("TO_JSON_STRING(b.%s) = TO_JSON_STRING(t.%s)", name, name))
		} else {
			equal = append(equal, fmt.Sprintf("b.%s = t.%s", name, name))
		}
	}
	return fmt.Sprintf("SELECT DISTINCT %s FROM %s", strings.Join(values, ", "), bigSQL.Table(p.staging)), strings.Join(equal, " AND ")
}

// upsertCounts counts the keys that are new, those that are not, and the earlier
// doubles of the latter.
func upsertCounts(target, keys, match string) string {
	return fmt.Sprintf(`
  WITH batch AS (%s), found AS (SELECT
    (SELECT COUNT(*) FROM batch) AS batch_keys,
    (SELECT COUNT(*) FROM batch AS b WHERE EXISTS (SELECT 1 FROM %s AS t WHERE %s)) AS updated,
    (SELECT COUNT(*) FROM %s AS t WHERE EXISTS (SELECT 1 FROM batch AS b WHERE %s)) AS replaced)
  SELECT batch_keys - updated AS inserted, updated, replaced - updated AS deleted FROM found
`, keys, target, match, target, match)
}

// latestSQL keeps one row per key: the greatest by OrderBy.
func latestSQL(p *plan, list, rows string) string {
	var keys []string
	for _, k := range p.Keys {
		to, _ := warehouse.FindColumn(p.target, k)
		name := bigSQL.Ident(to.Name)
		if to.Type == warehouse.Float64 {
			name = "TO_JSON_STRING(" + name + ")" // no partitions by FLOAT64
		}
		keys = append(keys, name)
	}
	order := ""
	if p.OrderBy != "" {
		order = " ORDER BY " + bigSQL.Ident(p.OrderBy) + " DESC NULLS LAST"
	}
	return fmt.Sprintf("SELECT %s FROM (%s)\nWHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY %s%s) = 1", list, rows, strings.Join(keys, ", "), order)
}

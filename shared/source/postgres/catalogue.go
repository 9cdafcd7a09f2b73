package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// samples per column in a description; one LIMIT query gives them all.
const samples = 5

// maxTested bounds the tables a connection test lists.
const maxTested = 100

var relationKinds = map[string]string{"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}

// Test implements source.Source.
func (s *Source) Test(ctx context.Context) ([]source.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, source.TestTimeout)
	defer cancel()
	t, err := s.Tables(ctx, "")
	return t[:min(len(t), maxTested)], err
}

// Tables implements source.Source; an empty schema means all but the system's.
func (s *Source) Tables(ctx context.Context, schema string) ([]source.Table, error) {
	x, err := s.begin(ctx, "", lookTimeout)
	if err != nil {
		return nil, err
	}
	defer x.close()
	rows, err := x.conn.Query(ctx, `
		SELECT n.nspname::text, c.relname::text, c.relkind::text,
		       CASE WHEN c.relkind IN ('v', 'f') THEN -1 ELSE c.reltuples::bigint END,
		       CASE WHEN c.relkind IN ('r', 'm') THEN c.relpages::bigint * current_setting('block_size')::bigint ELSE -1 END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
		  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		  AND ($1 = '' OR n.nspname = $1)
		  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
		ORDER BY n.nspname = 'public' DESC, 1, 2 LIMIT 10000`, schema)
	if err != nil {
		return nil, s.problem(ctx, err, "list tables")
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t source.Table, err error) {
		err = r.Scan(&t.Schema, &t.Name, &t.Kind, &t.Rows, &t.Bytes)
		t.Kind = relationKinds[t.Kind]
		return t, err
	})
	return out, s.problem(ctx, err, "list tables")
}

// relation is what the catalogue knows of one table.
type relation struct {
	oid     uint32
	kind    string
	version int
	block   int64
	pages   int64 // of the largest member of its inheritance tree
	size    int64 // pages of all members
	rows    int64 // estimate over all members, −1 unknown
	foreign bool  // a member is a foreign table
	standby bool
	columns []catalogueColumn
	keys    []string
}

func (x *session) relation(ctx context.Context, o source.Object) (relation, error) {
	var r relation
	err := x.conn.QueryRow(ctx, `
		SELECT c.oid, c.relkind::text, current_setting('server_version_num')::int, current_setting('block_size')::bigint, pg_is_in_recovery()
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, o.Schema, o.Table).
		Scan(&r.oid, &r.kind, &r.version, &r.block, &r.standby)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, problem.New(problem.NotFound, "there is no table %s.%s in database %q", o.Schema, o.Table, x.s.database).
			WithNext(problem.TurnYou, "Choose another table.")
	}
	if err != nil {
		return r, x.s.problem(ctx, err, "look up a table")
	}
	err = x.conn.QueryRow(ctx, `
		WITH RECURSIVE tree(oid) AS (SELECT $1::oid UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid)
		SELECT COALESCE(max(p.pages), 0)::bigint, COALESCE(sum(p.pages), 0)::bigint,
		       COALESCE(CASE WHEN min(c.reltuples) FILTER (WHERE c.relkind <> 'p') < 0 THEN -1 ELSE sum(c.reltuples) FILTER (WHERE c.relkind <> 'p') END, -1)::bigint,
		       COALESCE(bool_or(c.relkind = 'f'), false)
		FROM tree JOIN pg_class c ON c.oid = tree.oid
		CROSS JOIN LATERAL (SELECT CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::bigint ELSE 0 END AS pages) p`, r.oid).
		Scan(&r.pages, &r.size, &r.rows, &r.foreign)
	if err != nil {
		return r, x.s.problem(ctx, err, "look up a table")
	}
	if r.kind == "v" {
		r.rows = -1
	}
	if err := x.columns(ctx, &r); err != nil {
		return r, err
	}
	return r, x.keys(ctx, &r)
}

func (x *session) columns(ctx context.Context, r *relation) error {
	rows, err := x.conn.Query(ctx, `
		SELECT a.attname::text, a.attnotnull, format_type(b.oid, b.mod), b.typname::text, b.typtype::text, b.typcategory::text, COALESCE(s.null_frac, 0)
		FROM pg_attribute a
		CROSS JOIN LATERAL (
			WITH RECURSIVE d(oid, mod, depth) AS (
				SELECT a.atttypid, a.atttypmod, 0
				UNION ALL
				SELECT t.typbasetype, t.typtypmod, d.depth + 1 FROM d JOIN pg_type t ON t.oid = d.oid WHERE t.typtype = 'd' AND d.depth < 32)
			SELECT t.oid, t.typname, t.typtype, t.typcategory, d.mod FROM d JOIN pg_type t ON t.oid = d.oid ORDER BY d.depth DESC LIMIT 1) b
		LEFT JOIN (SELECT attname, max(null_frac)::float8 AS null_frac FROM pg_stats p JOIN pg_class c ON c.relname = p.tablename
			JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = p.schemaname WHERE c.oid = $1 GROUP BY attname) s ON s.attname = a.attname
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, r.oid)
	if err != nil {
		return x.s.problem(ctx, err, "look up columns")
	}
	r.columns, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c catalogueColumn, err error) {
		return c, row.Scan(&c.name, &c.notNull, &c.shown, &c.base, &c.typtype, &c.category, &c.nullFrac)
	})
	return x.s.problem(ctx, err, "look up columns")
}

func (x *session) keys(ctx context.Context, r *relation) error {
	rows, err := x.conn.Query(ctx, `
		SELECT a.attname::text FROM pg_index i
		CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, pos)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.pos`, r.oid)
	if err != nil {
		return x.s.problem(ctx, err, "look up the primary key")
	}
	r.keys, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return x.s.problem(ctx, err, "look up the primary key")
}

func (r relation) column(name string) (catalogueColumn, bool) {
	i := slices.IndexFunc(r.columns, func(c catalogueColumn) bool { return c.name == name })
	if i < 0 {
		return catalogueColumn{}, false
	}
	return r.columns[i], true
}

// Describe implements source.Source.
func (s *Source) Describe(ctx context.Context, o source.Object) (source.Description, error) {
	var d source.Description
	x, err := s.begin(ctx, "", lookTimeout)
	if err != nil {
		return d, err
	}
	defer x.close()
	r, err := x.relation(ctx, o)
	if err != nil {
		return d, err
	}
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
	}
	for i, n := range etl.Names(names) {
		c := r.columns[i]
		m := c.native()
		d.Columns = append(d.Columns, etl.Column{Source: c.name, SourceType: c.shown, Name: n, Type: m.typ, Confidence: "high", Note: m.note})
		if large(c) {
			d.Columns[i].Note = join(m.note, "large values may slow the load; consider leaving it out")
		}
		if c.base == "date" || c.base == "timestamp" || c.base == "timestamptz" {
			d.Timestamps = append(d.Timestamps, c.name)
		}
	}
	d.Keys, d.Rows = r.keys, r.rows
	d.Recommended = recommended(d.Timestamps)
	if err := x.samples(ctx, o, r, &d); err != nil {
		d.Warnings = append(d.Warnings, "no samples: "+problem.Of(err).Message)
	}
	return d, nil
}

func large(c catalogueColumn) bool { return c.base == "bytea" || c.base == "xml" }

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// recommended picks the column that creation dates most likely are in.
func recommended(candidates []string) string {
	for _, want := range []string{"created_at", "createdat", "created", "timestamp", "date"} {
		for _, c := range candidates {
			if strings.EqualFold(c, want) {
				return c
			}
		}
	}
	if len(candidates) > 0 {
		return candidates[0]
	}
	return ""
}

func (x *session) samples(ctx context.Context, o source.Object, r relation, d *source.Description) error {
	if len(r.columns) == 0 {
		return nil
	}
	exprs := make([]string, len(r.columns))
	for i, c := range r.columns {
		exprs[i] = fmt.Sprintf("left(%s::text, 200)", quote(c.name))
		if c.base == "bytea" {
			exprs[i] = fmt.Sprintf("octet_length(%s)::text || ' bytes'", quote(c.name))
		}
	}
	rows, err := x.conn.Query(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+table(o)+fmt.Sprintf(" LIMIT %d", samples))
	if err != nil {
		return x.s.problem(ctx, err, "read samples")
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return x.s.problem(ctx, err, "read samples")
		}
		for i, v := range values {
			text, ok := v.(string)
			if !ok {
				continue
			}
			c := &d.Columns[i]
			if len(c.Samples) < 3 {
				c.Samples = append(c.Samples, text)
			}
			if r.columns[i].base == "numeric" {
				widen(c, text)
			}
		}
	}
	return x.s.problem(ctx, rows.Err(), "read samples")
}

// widen moves an undeclared numeric to the type its samples need.
func widen(c *etl.Column, text string) {
	if strings.Contains(c.SourceType, "(") || c.Type == warehouse.String {
		return
	}
	whole, frac, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	frac = strings.TrimRight(frac, "0")
	t := source.DecimalType(max(len(whole)+len(frac), 1), len(frac))
	switch {
	case t == warehouse.Numeric || len(text) == 0 || text == "NaN" || strings.HasSuffix(text, "Infinity"):
	case t == warehouse.BigNumeric && len(whole) <= 20:
		c.Type, c.Note = t, "values have more than 9 digits after the point"
	default:
		c.Type, c.Note = warehouse.String, "values have more digits than the warehouse's decimals: kept as text"
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func table(o source.Object) string { return pgx.Identifier{o.Schema, o.Table}.Sanitize() }

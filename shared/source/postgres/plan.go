package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

const (
	// defaultChunkRows makes one Parquet object of a chunk.
	defaultChunkRows = 500_000
	// defaultChunkBytes bounds a chunk of wide rows.
	defaultChunkBytes = 256 << 20
	maxChunks         = 1000
	// typicalRow is the width that a table without statistics is taken to have.
	typicalRow = 128
	// tidScanVersion is the first server that reads a ctid range without the rest of the table.
	tidScanVersion = 140000
)

// Timestamps of watermarks have this form; integers are plain.
const watermarkLayout = "2006-01-02T15:04:05.000000Z"

// spec is a chunk: a page range, a range of an integer key, or everything;
// narrowed by a window.
type spec struct {
	// Pages [From, To); To −1 has no end, so that pages added since are read too.
	ByPages  bool  `json:"by_pages,omitempty"`
	FromPage int64 `json:"from_page,omitempty"`
	ToPage   int64 `json:"to_page,omitempty"`
	// Key range [FromKey, ToKey); nil has no end.
	Key     string `json:"key,omitempty"`
	FromKey *int64 `json:"from_key,omitempty"`
	ToKey   *int64 `json:"to_key,omitempty"`
	// Window (Lo, Hi] of Column.
	Column string `json:"column,omitempty"`
	Lo     string `json:"lo,omitempty"`
	Hi     string `json:"hi,omitempty"`
}

func (sp spec) chunk(label string) source.Chunk {
	b, _ := json.Marshal(sp) // strings and numbers only: cannot fail
	m := map[string]any{}
	_ = json.Unmarshal(b, &m)
	return source.Chunk{Spec: m, Label: label}
}

func specOf(m map[string]any) (sp spec, err error) {
	b, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(b, &sp)
	}
	return sp, problem.Wrap(err, problem.Internal, "a chunk's spec cannot be read")
}

// Plan implements source.Source.
func (s *Source) Plan(ctx context.Context, req source.PlanRequest) (source.Plan, error) {
	p := source.Plan{Estimate: -1}
	x, err := s.begin(ctx, "", planTimeout)
	if err != nil {
		return p, err
	}
	held := false
	defer func() {
		if !held {
			x.close()
		}
	}()
	r, err := x.relation(ctx, req.Object)
	if err != nil {
		return p, err
	}
	if err := r.check(req); err != nil {
		return p, err
	}
	base := spec{}
	if req.TimeColumn != "" {
		empty, err := x.window(ctx, req, r, &p, &base)
		if err != nil {
			return p, err
		}
		if empty {
			p.Estimate = 0
			return p, nil
		}
	}
	if req.Unheld {
		err := x.cut(ctx, req, r, base, &p)
		return p, err
	}
	if err := x.conn.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&p.Snapshot); err != nil {
		// Some servers and poolers cannot export one: a single chunk is consistent by itself.
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		p.Snapshot = ""
		p.Estimate = r.rows
		p.Warnings = append(p.Warnings, "the server exports no snapshot: the table is read in one piece")
		p.Chunks = []source.Chunk{base.chunk(req.Object.Table)}
		return p, nil
	}
	if err := x.cut(ctx, req, r, base, &p); err != nil {
		return p, err
	}
	p.Hold, held = x, true
	return p, nil
}

// check names every column the request needs and the table lacks.
func (r relation) check(req source.PlanRequest) error {
	e := problem.New(problem.FailedPrecondition, "table %s.%s lacks columns that are needed", req.Object.Schema, req.Object.Table)
	if _, ok := r.column(req.TimeColumn); req.TimeColumn != "" && !ok {
		e.WithField("timestamp_column", "%s is not there", req.TimeColumn)
	}
	found := 0
	for _, c := range req.Columns {
		if _, ok := r.column(c.Source); ok {
			found++
		}
	}
	if found == 0 {
		e.WithField("columns", "none of the job's columns is there")
	}
	if len(e.Fields) > 0 {
		return e.WithNext(problem.TurnYou, "Edit the job's columns.")
	}
	return nil
}

// window fixes the bounds (Lo, Hi]. Hi is min(the server's clock − lag, the
// greatest value). A day that is not over is left out when its rows carry only the
// day: more of them may come. empty tells that nothing new is there.
func (x *session) window(ctx context.Context, req source.PlanRequest, r relation, p *source.Plan, base *spec) (empty bool, err error) {
	c, _ := r.column(req.TimeColumn)
	base.Column, base.Lo, base.Hi = req.TimeColumn, req.From, req.To
	p.To = req.To
	if c.nullFrac > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("rows without %s are never loaded", c.name))
	}
	cast, err := castOf(c)
	if err != nil {
		return false, err
	}
	if req.To == "" {
		if cast == "int8" {
			p.To, err = x.greatest(ctx, req, cast, "TRUE")
		} else {
			p.To, err = x.latest(ctx, req, c, cast)
		}
		if err != nil {
			return false, err
		}
	}
	if p.To == "" {
		p.To = req.From
		return true, nil
	}
	base.Hi = p.To
	return p.To == req.From, nil
}

// castOf gives the type that bounds of a watermark column are cast to.
func castOf(c catalogueColumn) (string, error) {
	switch c.base {
	case "timestamptz", "timestamp", "date":
		return c.base, nil
	case "int2", "int4", "int8":
		return "int8", nil
	}
	return "", problem.New(problem.InvalidArgument, "column %q of type %s cannot be a watermark", c.name, c.shown).
		WithNext(problem.TurnYou, "Choose a date, timestamp or integer column.")
}

// latest finds the greatest timestamp that may be read now.
func (x *session) latest(ctx context.Context, req source.PlanRequest, c catalogueColumn, cast string) (string, error) {
	lag := max(req.Lag, 0).Microseconds()
	var limit, midnight time.Time
	err := x.conn.QueryRow(ctx, `SELECT t, date_trunc('day', t) FROM (SELECT clock_timestamp() - $1::bigint * interval '1 microsecond' AS t) AS c`, lag).Scan(&limit, &midnight)
	if err != nil {
		return "", x.s.problem(ctx, err, "read the server's clock")
	}
	limit, midnight = limit.UTC(), midnight.UTC()
	if cast == "date" {
		limit = midnight.AddDate(0, 0, -1)
	}
	to, err := x.greatest(ctx, req, cast, "<= "+bound(cast, "b2brecs.limit"), limit)
	if err != nil || to != midnight.Format(watermarkLayout) {
		return to, err
	}
	// Exactly today's midnight: rows that carry only a day, and the day is not over.
	return x.greatest(ctx, req, cast, "< "+bound(cast, "b2brecs.limit"), midnight)
}

// bound reads a bound value inside a query. COPY takes no parameters; a setting
// of the transaction carries the value instead, so that it is never part of the SQL.
func bound(cast, setting string) string {
	return "current_setting('" + setting + "')::" + cast
}

func (x *session) greatest(ctx context.Context, req source.PlanRequest, cast, cond string, limit ...time.Time) (string, error) {
	col := quote(req.TimeColumn)
	where := col + " IS NOT NULL"
	if len(limit) > 0 {
		if err := x.set(ctx, "b2brecs.limit", limit[0].Format(watermarkLayout)); err != nil {
			return "", err
		}
		where = col + " " + cond
	}
	if cast != "int8" {
		where += " AND isfinite(" + col + ")"
	}
	if req.From != "" {
		if err := x.set(ctx, "b2brecs.lo", req.From); err != nil {
			return "", err
		}
		where += " AND " + col + " > " + bound(cast, "b2brecs.lo")
	}
	out := col + "::text"
	if cast != "int8" {
		out = "to_char(" + col + ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
	}
	var to *string
	// ORDER BY … LIMIT 1 walks an index backwards where there is one.
	err := x.conn.QueryRow(ctx, "SELECT "+out+" FROM "+table(req.Object)+" WHERE "+where+" ORDER BY "+col+" DESC LIMIT 1").Scan(&to)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", x.s.problem(ctx, err, "find the newest row")
	}
	return *to, nil
}

func (x *session) set(ctx context.Context, name, value string) error {
	_, err := x.conn.Exec(ctx, "SELECT set_config($1, $2, true)", name, value)
	return x.s.problem(ctx, err, "bind a value")
}

// cut divides the table. Heap tables are cut by pages under a snapshot. Without one, a
// row that is updated moves to another page, maybe one that is read already: there,
// only ranges of a key hold a row once and for all. A narrow window with few rows is
// left whole, so that the server may use its index.
func (x *session) cut(ctx context.Context, req source.PlanRequest, r relation, base spec, p *source.Plan) error {
	chunkRows, chunkBytes := req.ChunkRows, req.ChunkBytes
	if chunkRows == 0 {
		chunkRows = defaultChunkRows
	}
	if chunkBytes == 0 {
		chunkBytes = defaultChunkBytes
	}
	p.Estimate = r.rows
	if base.Column != "" {
		n, err := x.estimate(ctx, req, r, base)
		if err != nil {
			return err
		}
		p.Estimate = n
		if n <= chunkRows && n*4 < r.rows {
			p.Chunks = []source.Chunk{base.chunk(req.Object.Table)}
			return nil
		}
	}
	rows := r.rows
	if rows < 0 { // never analysed
		rows = r.size * r.block / typicalRow
	}
	n := max(r.size*r.block/chunkBytes+1, rows/chunkRows+1)
	n = min(n, maxChunks)
	pages := r.kind == "r" || r.kind == "m" || r.kind == "p" && !r.foreign
	switch {
	case n == 1 || r.kind == "f" || r.kind == "v" || r.foreign:
		p.Chunks = []source.Chunk{base.chunk(req.Object.Table)}
	case pages && r.version >= tidScanVersion && !req.Unheld:
		p.Chunks = byPages(base, r.pages, n)
	default:
		if err := x.byKey(ctx, req, r, base, n, p); err != nil {
			return err
		}
		if req.Unheld && len(p.Chunks) == 1 && pages {
			p.Warnings = append(p.Warnings, "the table has no primary key of one integer: it is read in one piece, within the time that one chunk may take")
		}
	}
	return nil
}

func byPages(base spec, pages, n int64) []source.Chunk {
	n = max(min(n, pages), 1)
	out := make([]source.Chunk, 0, n)
	for i := range n {
		sp := base
		sp.ByPages, sp.FromPage, sp.ToPage = true, pages*i/n, pages*(i+1)/n
		label := fmt.Sprintf("pages %d to %d", sp.FromPage, sp.ToPage-1)
		if i == n-1 {
			sp.ToPage = -1
			label = fmt.Sprintf("pages from %d", sp.FromPage)
		}
		out = append(out, sp.chunk(label))
	}
	return out
}

// byKey cuts the range of a primary key of one integer into equal parts; tables
// without one are read in one piece.
func (x *session) byKey(ctx context.Context, req source.PlanRequest, r relation, base spec, n int64, p *source.Plan) error {
	whole := []source.Chunk{base.chunk(req.Object.Table)}
	p.Chunks = whole
	if len(r.keys) != 1 {
		return nil
	}
	c, _ := r.column(r.keys[0])
	if !slices.Contains([]string{"int2", "int4", "int8"}, c.base) {
		return nil
	}
	var lo, hi *int64
	k := quote(c.name)
	if err := x.conn.QueryRow(ctx, "SELECT min("+k+")::int8, max("+k+")::int8 FROM "+table(req.Object)).Scan(&lo, &hi); err != nil {
		return x.s.problem(ctx, err, "find the range of the key")
	}
	if lo == nil || hi == nil || *hi-*lo < n || *hi < *lo {
		return nil
	}
	step := (*hi-*lo)/n + 1
	p.Chunks = nil
	for i := range n {
		sp := base
		sp.Key = c.name
		from, to := *lo+step*i, *lo+step*(i+1)
		if i > 0 {
			sp.FromKey = &from
		}
		if i < n-1 {
			sp.ToKey = &to
		}
		p.Chunks = append(p.Chunks, sp.chunk(c.name+" from "+strconv.FormatInt(from, 10)))
	}
	return nil
}

// estimate asks the planner for the rows of a window.
func (x *session) estimate(ctx context.Context, req source.PlanRequest, r relation, base spec) (int64, error) {
	where, err := x.bind(ctx, base, r)
	if err != nil {
		return 0, err
	}
	var plan []byte
	if err := x.conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT 1 FROM "+table(req.Object)+where).Scan(&plan); err != nil {
		return 0, x.s.problem(ctx, err, "estimate the rows")
	}
	var tree []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(plan, &tree); err != nil || len(tree) == 0 {
		return -1, nil // an estimate is not worth failing for
	}
	return int64(tree[0].Plan.Rows), nil
}

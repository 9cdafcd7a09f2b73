package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

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

package postgres

import (
	"context"
	"encoding/json"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

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

package dataset

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// CheckReply tells what a definition would give.
type CheckReply struct {
	Valid    bool               `json:"valid"`
	Findings []problem.Field    `json:"findings"` // all of them
	Schema   []warehouse.Column `json:"schema"`   // empty unless valid
	Rows     int64              `json:"rows"`     // of the plain form; 0 unless valid
	Cost     *warehouse.Cost    `json:"cost,omitempty" doc:"Of counting the rows; absent where reading is free, and unless valid."`
	// Definition with its defaults written out.
	Definition Definition `json:"definition"`
}

// Check validates a definition against the live schema, checks its joins and
// counts its rows. Findings are no error.
func (s *Service) Check(ctx context.Context, def Definition) (CheckReply, error) {
	def = def.Normalize()
	out := CheckReply{Findings: []problem.Field{}, Schema: []warehouse.Column{}, Definition: def}
	schemas, err := LiveSchemas(ctx, s.wh, def)
	if err != nil {
		return out, err
	}
	if out.Findings = append(out.Findings, Validate(def, schemas)...); len(out.Findings) > 0 {
		return out, nil
	}
	if err := CheckFanOut(ctx, s.wh, def, schemas); problem.Is(err, problem.FailedPrecondition) && len(problem.Of(err).Fields) > 0 {
		out.Findings = problem.Of(err).Fields
		return out, nil
	} else if err != nil { // a count that would read too much has no fields
		return out, err
	}
	p, err := newPlan(def, schemas, Form{Now: s.now()}, nil)
	if err != nil {
		return out, err
	}
	st, err := sql.Build(s.wh.Dialect(), p.steps, sql.Select{Columns: []sql.Item{{Expr: sql.Count(), As: "n"}}, From: &sql.Source{CTE: stepResult}})
	if err != nil {
		return out, err
	}
	rows, err := s.wh.Query(ctx, st, 1)
	if err != nil {
		return out, err
	}
	out.Valid, out.Schema, out.Rows, out.Cost = true, p.schema(), integer(rows.Values[0][0]), rows.Cost
	return out, nil
}

// Preview gives the first rows of a dataset, as the plain form has them.
func (s *Service) Preview(ctx context.Context, project, id string, limit int) (warehouse.Rows, error) {
	v, err := s.Version(ctx, project, id, 0)
	if err != nil {
		return warehouse.Rows{}, err
	}
	schemas, err := LiveSchemas(ctx, s.wh, v.Definition)
	if err != nil {
		return warehouse.Rows{}, err
	}
	st, cols, err := Compile(v.Definition, schemas, s.wh.Dialect(), Form{Now: s.now(), Limit: limit})
	if err != nil {
		return warehouse.Rows{}, err
	}
	st.Labels = map[string]string{"project": project, "dataset": id}
	rows, err := s.wh.Query(ctx, st, limit)
	if err == nil {
		rows.Columns = cols
	}
	return rows, err
}

// Text is a compiled statement as a person reads it.
type Text struct {
	SQL     string             `json:"sql"`
	Params  map[string]any     `json:"params"`
	Dialect string             `json:"dialect"`
	Columns []warehouse.Column `json:"columns"`
	Cost    *warehouse.Cost    `json:"cost,omitempty" doc:"Of a run; absent where reading is free."`
}

// SQL compiles a dataset for reading: "plain" as people see it, or "training" as
// the pipeline does, before the split.
func (s *Service) SQL(ctx context.Context, project, id, form string) (Text, error) {
	if form != "plain" && form != "training" {
		return Text{}, problem.New(problem.InvalidArgument, "%q is not a form", form).WithField("form", "use plain or training")
	}
	v, err := s.Version(ctx, project, id, 0)
	if err != nil {
		return Text{}, err
	}
	schemas, err := LiveSchemas(ctx, s.wh, v.Definition)
	if err != nil {
		return Text{}, err
	}
	st, cols, err := Compile(v.Definition, schemas, s.wh.Dialect(), Form{Training: form == "training", Now: s.now()})
	if err != nil {
		return Text{}, err
	}
	est, err := s.wh.DryRun(ctx, st)
	if err != nil {
		return Text{}, err
	}
	if st.Params == nil {
		st.Params = map[string]any{}
	}
	return Text{SQL: st.SQL, Params: st.Params, Dialect: s.wh.Dialect().Name(), Columns: cols, Cost: s.wh.Cost(est.Bytes)}, nil
}

// Package inferschema compares a source's live schema with its job's contract.
//
// It MUST be safe to repeat: the first run stores the contract, later ones only
// add columns to it and report differences on the run. A changed type that the
// contract cannot hold stops the run before a row moves.
package inferschema

import (
	"context"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Services is what the function asks of its platform.
type Services struct {
	ETL     *etl.Store
	Sources *source.Registry
}

// Request names the run.
type Request struct {
	Run string `json:"run"`
}

// Reply counts the contract's columns.
type Reply struct {
	Columns int `json:"columns"`
}

// Handle brings the job's contract up to date.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	run, job, err := s.ETL.RunAndJob(ctx, in.Run)
	if err != nil || run.Status.Ended() {
		return Reply{len(job.Columns)}, err
	}
	if _, err := s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error { r.Begin("infer"); return nil }); err != nil {
		return Reply{}, err
	}
	conn, err := s.ETL.Connection(ctx, job.Connection)
	if err != nil {
		return Reply{}, err
	}
	src, err := s.Sources.Open(ctx, conn)
	if err != nil {
		return Reply{}, err
	}
	defer src.Close()
	live, err := src.Describe(ctx, source.ObjectOf(job))
	if err != nil {
		return Reply{}, problem.Of(err).WithStep("infer-schema")
	}
	contract, warnings, err := merge(job, live.Columns)
	if err != nil {
		return Reply{}, err
	}
	if _, err := s.ETL.Jobs.Update(ctx, job.ID, func(j *etl.Job) error { j.Columns = contract; return nil }); err != nil {
		return Reply{}, err
	}
	_, err = s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error {
		for _, w := range append(live.Warnings, warnings...) {
			r.Warn("%s", w)
		}
		r.End("infer")
		return nil
	})
	return Reply{len(contract)}, err
}

// merge adds new columns to the contract and reports what differs.
func merge(job etl.Job, live []etl.Column) (contract []etl.Column, warnings []string, err error) {
	for i := range live {
		live[i].Samples = nil // customer data: shown while a job is made, never stored
	}
	if len(job.Columns) == 0 {
		return live, nil, nil
	}
	contract = slices.Clone(job.Columns)
	find := func(list []etl.Column, name string) int {
		return slices.IndexFunc(list, func(c etl.Column) bool { return c.Source == name })
	}
	bad := problem.New(problem.FailedPrecondition, "the source of %s has changed in a way its table cannot hold", job.Name).
		WithStep("infer-schema").WithNext(problem.TurnYou, "Make a new job for the new shape, or restore the columns at the source.")
	for _, c := range contract {
		i := find(live, c.Source)
		switch {
		case i < 0:
			warnings = append(warnings, "column "+c.Source+" is gone from the source; new rows have no value in it")
		case job.Files == nil && !holds(c.Type, live[i].Type):
			bad.WithField(c.Source, "was %s (%s), is now %s (%s)", c.Type, c.SourceType, live[i].Type, live[i].SourceType)
		}
	}
	if len(bad.Fields) > 0 {
		return nil, nil, bad
	}
	if subset(job) {
		return contract, warnings, nil
	}
	names := make([]string, 0, len(contract))
	for _, c := range contract {
		names = append(names, c.Name)
	}
	for _, c := range live {
		if find(contract, c.Source) >= 0 {
			continue
		}
		for slices.Contains(names, c.Name) {
			c.Name = strings.TrimRight(c.Name[:min(len(c.Name), etl.MaxName-2)], "_") + "_2"
		}
		names = append(names, c.Name)
		contract = append(contract, c)
		warnings = append(warnings, "column "+c.Source+" is new; it is added as "+c.Name)
	}
	return contract, warnings, nil
}

// subset reports whether a person chose some of the columns: others are then none
// of the job's business. Files always take all.
func subset(job etl.Job) bool { return job.Files == nil && job.ColumnsChosen }

// holds reports whether a column of the contract's type can take the live type's values.
func holds(contract, live warehouse.Type) bool {
	if contract == live || contract == warehouse.String {
		return true
	}
	accepted := map[warehouse.Type][]warehouse.Type{
		warehouse.Float64:    {warehouse.Int64, warehouse.Numeric},
		warehouse.Numeric:    {warehouse.Int64, warehouse.Float64},
		warehouse.BigNumeric: {warehouse.Int64, warehouse.Numeric},
		warehouse.Timestamp:  {warehouse.DateTime, warehouse.Date},
		warehouse.DateTime:   {warehouse.Timestamp, warehouse.Date},
	}
	return slices.Contains(accepted[contract], live)
}

package etlapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/state"
)

type listRuns struct {
	api.Page
	Job    string        `query:"job" maxLength:"63"`
	Status etl.RunStatus `query:"status" enum:"pending,running,completed,partial,failed,cancelled"`
}

type listRejects struct {
	ID
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s Services) registerRuns(a huma.API) {
	const base = "/v1/etl/runs"
	api.Handle(a, api.Op{ID: "listRuns", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List runs, newest first"},
		func(ctx context.Context, in *listRuns) (*api.ListOut[etl.Run], error) {
			q := state.Query{OrderBy: "number", Desc: true, Limit: in.Limit, Cursor: in.Cursor}
			if in.Job != "" {
				q.Where = append(q.Where, state.Where{Field: "job", Op: state.Eq, Value: in.Job})
			}
			if in.Status != "" {
				q.Where = append(q.Where, state.Where{Field: "status", Op: state.Eq, Value: string(in.Status)})
			}
			p, err := s.ETL.Runs.Query(ctx, q)
			for i := range p.Items {
				p.Items[i].CallbackURL = ""
			}
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "getRun", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a run"},
		func(ctx context.Context, in *ID) (*api.Body[etl.Run], error) {
			r, err := s.run(ctx, in.ID)
			r.CallbackURL = ""
			return api.Reply(r, err)
		})
	api.Handle(a, api.Op{ID: "cancelRun", Method: http.MethodPost, Path: base + "/{id}/cancel", Tag: tag, Role: identity.Analyst, Status: http.StatusAccepted, Summary: "Cancel a run; nothing of it becomes visible"},
		func(ctx context.Context, in *ID) (*api.Body[etl.Run], error) {
			r, err := s.ETL.Runs.Update(ctx, in.ID, func(r *etl.Run) error {
				if !r.Status.Ended() {
					r.CancelRequested = true
				}
				return nil
			})
			r.CallbackURL = ""
			return api.Reply(r, err)
		})
	api.Handle(a, api.Op{ID: "listChunks", Method: http.MethodGet, Path: base + "/{id}/chunks", Tag: tag, Role: identity.Viewer, Summary: "List the chunks of a run"},
		func(ctx context.Context, in *ID) (*api.ListOut[etl.Chunk], error) {
			r, err := s.run(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			out, err := s.ETL.ChunksOf(ctx, r)
			return api.Lists(out, "", err)
		})
	api.Handle(a, api.Op{ID: "listRejects", Method: http.MethodGet, Path: base + "/{id}/rejects", Tag: tag, Role: identity.Viewer, Summary: "List the first rejected rows of a run"},
		func(ctx context.Context, in *listRejects) (*api.ListOut[source.Reject], error) {
			if _, err := s.run(ctx, in.ID.ID); err != nil {
				return nil, err
			}
			r, err := s.rejects(ctx, in.ID.ID, in.Limit)
			return api.Lists(r, "", err)
		})
}

func (s Services) run(ctx context.Context, id string) (etl.Run, error) {
	r, err := s.ETL.Runs.Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return r, problem.New(problem.NotFound, "there is no run %q", id)
	}
	return r, err
}

func (s Services) rejects(ctx context.Context, run string, limit int) ([]source.Reject, error) {
	list, err := s.Staging.List(ctx, stage.RejectsPrefix(run))
	if err != nil {
		return nil, err
	}
	var out []source.Reject
	for _, o := range list {
		data, err := s.Staging.Read(ctx, o.Key)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r source.Reject
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				return nil, problem.Wrap(err, problem.Internal, "the rejects of run %s cannot be read", run)
			}
			if out = append(out, r); len(out) == limit {
				return out, nil
			}
		}
	}
	return out, nil
}

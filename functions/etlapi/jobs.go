package etlapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// JobInput creates or changes a job; what is left out stays.
type JobInput struct {
	Name            *string          `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Connection      string           `json:"connection,omitempty" doc:"Only at creation; uploads for dropped files."`
	Schema          string           `json:"schema,omitempty" doc:"Only at creation."`
	Table           string           `json:"table,omitempty" doc:"Only at creation."`
	Files           *etl.FileOptions `json:"files,omitempty"`
	Destination     *warehouse.Ref   `json:"destination,omitempty" doc:"Only at creation; raw_data and a name made of the source's when left out."`
	Load            etl.LoadType     `json:"load,omitempty" enum:"transactional,catalog" doc:"Only at creation."`
	Columns         []etl.Column     `json:"columns,omitempty" doc:"A choice of columns with their names and types; all when left out."`
	TimestampColumn *string          `json:"timestamp_column,omitempty"`
	StartDate       *string          `json:"start_date,omitempty" doc:"YYYY-MM-DD"`
	SafetyLag       *int             `json:"safety_lag_seconds,omitempty" minimum:"0" maximum:"86400"`
	Keys            *[]string        `json:"keys,omitempty"`
	MaxRejectShare  *float64         `json:"max_reject_share,omitempty" minimum:"0" maximum:"1"`
	AcceptEmpty     *bool            `json:"accept_empty,omitempty"`
	Schedule        *etl.Schedule    `json:"schedule,omitempty" doc:"An empty cron removes the schedule."`
	Enabled         *bool            `json:"enabled,omitempty"`
}

const (
	// defaultSafetyLag lets transactions that began before a read commit: spec'd in seconds.
	defaultSafetyLag = 300
	// defaultRejectShare keeps dirty rows apart and refuses sources that are wrong as a whole.
	defaultRejectShare = 0.1
)

type jobBody struct {
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body JobInput
}

type jobUpdate struct {
	ID
	Body JobInput
}

type listJobs struct {
	api.Page
	Connection string `query:"connection"`
}

type startRun struct {
	ID
	Key string `header:"Idempotency-Key" maxLength:"255"`
	// Planned is set by the scheduler: it makes one run per planned time.
	Planned string `header:"X-B2brecs-Schedule-Time"`
}

func (s Services) registerJobs(a huma.API) {
	const base = "/v1/etl/jobs"
	api.Handle(a, api.Op{ID: "listJobs", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List jobs, newest first"},
		func(ctx context.Context, in *listJobs) (*api.ListOut[etl.Job], error) {
			q := state.Query{Desc: true, Limit: in.Limit, Cursor: in.Cursor}
			if in.Connection != "" {
				q.Where = append(q.Where, state.Where{Field: "connection", Op: state.Eq, Value: in.Connection})
			}
			p, err := s.ETL.Jobs.Query(ctx, q)
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "createJob", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a job"},
		func(ctx context.Context, in *jobBody) (*api.Body[etl.Job], error) {
			return api.Reply(s.createJob(ctx, in.Key, in.Body))
		})
	api.Handle(a, api.Op{ID: "getJob", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a job"},
		func(ctx context.Context, in *ID) (*api.Body[etl.Job], error) {
			return api.Reply(s.ETL.Jobs.Get(ctx, in.ID))
		})
	api.Handle(a, api.Op{ID: "updateJob", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Change a job"},
		func(ctx context.Context, in *jobUpdate) (*api.Body[etl.Job], error) {
			j, err := s.ETL.Jobs.Get(ctx, in.ID.ID)
			if err != nil {
				return nil, err
			}
			return api.Reply(s.saveJob(ctx, j, in.Body))
		})
	api.Handle(a, api.Op{ID: "deleteJob", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Delete a job; its runs and its table stay"},
		func(ctx context.Context, in *ID) (*struct{}, error) {
			if err := s.Schedules.Delete(ctx, scheduleID(in.ID)); err != nil {
				return nil, err
			}
			return nil, s.ETL.DeleteJob(ctx, in.ID)
		})
	api.Handle(a, api.Op{ID: "startRun", Method: http.MethodPost, Path: base + "/{id}/runs", Tag: tag, Role: identity.Analyst, Status: http.StatusAccepted, Summary: "Run a job now"},
		func(ctx context.Context, in *startRun) (*api.Body[etl.Run], error) {
			return api.Reply(s.start(ctx, in))
		})
	api.Handle(a, api.Op{ID: "resetWatermark", Method: http.MethodPost, Path: base + "/{id}/watermark:reset", Tag: tag, Role: identity.Manager, Summary: "Forget how far a job has read; the next run begins at its start date"},
		func(ctx context.Context, in *ID) (*api.Body[etl.Job], error) {
			return api.Reply(s.ETL.Jobs.Update(ctx, in.ID, func(j *etl.Job) error { j.Watermark = ""; return nil }))
		})
}

func (s Services) start(ctx context.Context, in *startRun) (etl.Run, error) {
	if in.Planned != "" {
		j, err := s.ETL.Jobs.Get(ctx, in.ID.ID)
		if err != nil || !j.Enabled {
			return etl.Run{}, err // a paused job ignores its clock
		}
		run, err := s.ETL.Start(ctx, s.Workflows, s.FunctionsURL, in.ID.ID, "schedule", "", "at-"+in.Planned)
		if problem.Is(err, problem.FailedPrecondition) {
			return run, nil // the run before is still active: this time is skipped
		}
		return run, err
	}
	trigger := "manual"
	if identity.From(ctx).Role == identity.Service {
		trigger = "api"
	}
	return s.ETL.Start(ctx, s.Workflows, s.FunctionsURL, in.ID.ID, trigger, identity.From(ctx).Subject, in.Key)
}

func scheduleID(job string) string { return "etl-" + job }

func (s Services) createJob(ctx context.Context, key string, in JobInput) (etl.Job, error) {
	conn, err := s.ETL.Connection(ctx, in.Connection)
	if err != nil {
		return etl.Job{}, err
	}
	now := time.Now().UTC()
	j := etl.Job{ID: state.NewID(), Connection: in.Connection, Kind: conn.Type, Schema: in.Schema, Table: in.Table, Load: in.Load,
		SafetyLag: defaultSafetyLag, MaxRejectShare: defaultRejectShare, Enabled: true, CreatedAt: now, CreatedBy: identity.From(ctx).Subject}
	if key != "" {
		j.ID = etl.FileID("j", conn.ID+"\x00"+key)
		if existing, err := s.ETL.Jobs.Get(ctx, j.ID); err == nil {
			return existing, nil
		} else if !problem.Is(err, problem.NotFound) {
			return j, err
		}
	}
	if j.Load == "" {
		j.Load = etl.Transactional
	}
	source := in.Table
	if in.Files != nil {
		source = in.Files.Prefix + in.Files.Pattern
	}
	if in.Destination != nil {
		j.Destination = *in.Destination
	} else {
		j.Destination = warehouse.Ref{Dataset: warehouse.Raw, Name: etl.Name(source)}
	}
	if in.Name == nil {
		in.Name = &j.Destination.Name
	}
	return s.saveJob(ctx, j, in)
}

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)

func (s Services) saveJob(ctx context.Context, j etl.Job, in JobInput) (etl.Job, error) {
	set(&j.Name, in.Name)
	set(&j.TimestampColumn, in.TimestampColumn)
	set(&j.StartDate, in.StartDate)
	set(&j.SafetyLag, in.SafetyLag)
	set(&j.Keys, in.Keys)
	set(&j.MaxRejectShare, in.MaxRejectShare)
	set(&j.AcceptEmpty, in.AcceptEmpty)
	set(&j.Enabled, in.Enabled)
	if in.Files != nil {
		j.Files = in.Files
	}
	if in.Columns != nil {
		j.Columns, j.ColumnsChosen = in.Columns, true
		for i := range j.Columns {
			j.Columns[i].Samples = nil
		}
	}
	if in.Schedule != nil {
		j.Schedule = in.Schedule
		if in.Schedule.Cron == "" {
			j.Schedule = nil
		}
	}
	if err := s.checkJob(j); err != nil {
		return j, err
	}
	// The schedule is written first: a job never claims a schedule that is not there.
	if j.Schedule == nil {
		if err := s.Schedules.Delete(ctx, scheduleID(j.ID)); err != nil {
			return j, err
		}
	} else {
		body, err := json.Marshal(struct{}{})
		if err != nil {
			return j, err
		}
		err = s.Schedules.Put(ctx, schedule.Schedule{ID: scheduleID(j.ID), Cron: j.Schedule.Cron, TimeZone: j.Schedule.TimeZone,
			Function: "etl-api", Path: "/v1/etl/jobs/" + j.ID + "/runs", Body: body, Paused: !j.Enabled})
		if err != nil {
			return j, err
		}
	}
	return s.ETL.SaveJob(ctx, j)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s Services) checkJob(j etl.Job) error {
	p := problem.New(problem.InvalidArgument, "the job cannot run as it is").WithNext(problem.TurnYou, "Correct the fields named in errors.")
	kind, err := s.Sources.Kind(j.Kind)
	if err != nil {
		return err
	}
	if j.Destination.Dataset != warehouse.Raw || !tableName.MatchString(j.Destination.Name) {
		p.WithField("destination", "must be raw_data and a table name of letters, digits and underscores")
	}
	if j.Load != etl.Transactional && j.Load != etl.Catalog {
		p.WithField("load", "must be transactional or catalog")
	}
	if kind.Capabilities.Files {
		if j.Files == nil {
			p.WithField("files", "are needed: a prefix and a pattern")
		} else if _, err := path.Match(j.Files.Pattern, ""); err != nil || j.Files.Pattern == "" {
			p.WithField("files.pattern", "must be a glob on the file's name, e.g. *.csv")
		}
	} else {
		if j.Table == "" {
			p.WithField("table", "is needed")
		}
		if j.Load == etl.Transactional && j.TimestampColumn == "" {
			p.WithField("timestamp_column", "is needed for an incremental load")
		}
	}
	if j.StartDate != "" {
		if _, err := time.Parse(time.DateOnly, j.StartDate); err != nil {
			p.WithField("start_date", "must be a date, YYYY-MM-DD")
		}
	}
	if !(j.MaxRejectShare >= 0 && j.MaxRejectShare <= 1) {
		p.WithField("max_reject_share", "must be between 0 and 1")
	}
	known := func(name string) bool {
		return len(j.Columns) == 0 || slices.ContainsFunc(j.Columns, func(c etl.Column) bool { return c.Name == name })
	}
	for i, k := range j.Keys {
		if !known(k) {
			p.WithField(fmt.Sprintf("keys[%d]", i), "%q is not a column of the job", k)
		}
	}
	if j.TimestampColumn != "" && !known(j.TimestampColumn) {
		p.WithField("timestamp_column", "%q is not a column of the job", j.TimestampColumn)
	}
	seen := map[string]bool{}
	for i, c := range j.Columns {
		if c.Source == "" || !tableName.MatchString(c.Name) || seen[c.Name] {
			p.WithField(fmt.Sprintf("columns[%d]", i), "needs a source name and a unique warehouse name")
		}
		seen[c.Name] = true
	}
	if len(p.Fields) > 0 {
		return p
	}
	return nil
}

package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// work is one job, tried until it succeeds or cannot.
type work struct {
	kind string // label of the job: load, commit, query, ...
	// id of the job; attempt n has the id id_n. "" makes one up: nobody else knows it,
	// and the job is cancelled when nobody waits for it any more.
	id     string
	labels map[string]string
	start  func(c *bq.Client, id bq.JobIDConfig, labels map[string]string) (*bq.Job, error)
	// usable judges a job of another call that succeeded; false goes to the next
	// attempt. nil takes every one.
	usable func(*bq.JobStatistics) (bool, error)
}

type done struct {
	job   *bq.Job
	stats *bq.JobStatistics
	mine  bool // this call submitted it
}

// maxIDs bounds the ids that failed attempts of one commit may use up.
const maxIDs = 200

// callLabel marks jobs with the call that submitted them: a job whose reply was lost
// is known again.
const callLabel = "b2brecs_call"

// run submits the work and waits for its end.
//
// A job's id is used up when it fails, so an attempt after a failure has the next id.
// Whoever repeats the work walks the same ids: a running job is waited for, one that
// succeeded is the result, one that failed leads to the next id. Two callers cannot
// make two jobs of one id, so the work is never done twice at once.
func (d *Driver) run(ctx context.Context, w work) (done, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return done{}, err
	}
	private := w.id == ""
	if private {
		w.id = "b2brecs_" + w.kind + "_" + state.NewID()
	}
	call := state.NewID()
	labels := map[string]string{}
	for k, v := range w.labels {
		labels[label(k)] = label(v)
	}
	labels[callLabel], labels["b2brecs_job"] = call, w.kind
	failures := 0
	for n := range maxIDs {
		id := bq.JobIDConfig{JobID: fmt.Sprintf("%s_%d", w.id, n), Location: d.o.Region}
		job, mine, err := d.submit(ctx, c, id, call, private, func() (*bq.Job, error) { return w.start(c, id, labels) })
		if err != nil {
			return done{}, err
		}
		status, err := d.wait(ctx, job, private)
		if err != nil {
			return done{}, err
		}
		switch err := status.Err(); {
		case err == nil && (mine || w.usable == nil):
			return done{job, status.Statistics, mine}, nil
		case err == nil:
			ok, err := w.usable(status.Statistics)
			if ok || err != nil {
				return done{job, status.Statistics, mine}, err
			}
		case !mine: // an earlier attempt, by whomever
		case !transient(err):
			return done{}, err
		default:
			if failures++; failures == d.retry.attempts {
				return done{}, err
			}
			if err := d.retry.pause(ctx, failures); err != nil {
				return done{}, err
			}
		}
	}
	return done{}, problem.New(problem.FailedPrecondition, "all %d job ids of %s are used up", maxIDs, w.id).
		WithNext(problem.TurnYou, "Correct what the earlier failures said, and start the work under a new id.")
}

// submit gives the job of the id, and whether this call made it. A reply that was
// lost is asked for again under the same id. When nobody waits any more before the
// reply, a private job that was made nevertheless is cancelled.
func (d *Driver) submit(ctx context.Context, c *bq.Client, id bq.JobIDConfig, call string, private bool, start func() (*bq.Job, error)) (job *bq.Job, mine bool, err error) {
	asked := false
	err = d.retry.do(ctx, func() error {
		asked = asked || ctx.Err() == nil
		job, err = start()
		mine = err == nil
		if duplicateJob(err) {
			if job, err = c.JobFromIDLocation(ctx, id.JobID, id.Location); err == nil {
				mine = jobLabels(job)[callLabel] == call
			}
		}
		return err
	})
	if err != nil && private && asked && ctx.Err() != nil {
		err = errors.Join(err, d.stopUnseen(ctx, c, id))
	}
	return job, mine, err
}

// stop cancels a job: it costs money and nobody waits for it. It may have ended by
// itself; then there is nothing to stop.
func stop(ctx context.Context, find func(ctx context.Context) (*bq.Job, error)) error {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer end()
	job, err := find(ctx)
	if job == nil || err != nil {
		return err
	}
	return job.Cancel(ctx)
}

// stopUnseen cancels a job whose insert got no reply. The request may be on its way
// still, so it is looked for a few times.
func (d *Driver) stopUnseen(ctx context.Context, c *bq.Client, id bq.JobIDConfig) error {
	return stop(ctx, func(ctx context.Context) (*bq.Job, error) {
		for n := 1; ; n++ {
			job, err := c.JobFromIDLocation(ctx, id.JobID, id.Location)
			if err == nil || reason(err) != "notFound" {
				return job, err
			}
			if n == 3 {
				return nil, nil // it was not made
			}
			if err := pause(ctx, d.retry.first); err != nil {
				return nil, err
			}
		}
	})
}

// wait looks at the job until it is done. The client's own Wait is not used: it asks
// for ever about a query that failed for a reason which it takes for the request's
// (cloud.google.com/go/bigquery, Job.waitForQuery).
func (d *Driver) wait(ctx context.Context, job *bq.Job, cancel bool) (status *bq.JobStatus, err error) {
	for gap := 50 * time.Millisecond; ; gap = min(gap*3/2, d.retry.poll) {
		err = d.retry.do(ctx, func() error {
			status, err = job.Status(ctx)
			return err
		})
		if err == nil && status.Done() {
			return status, nil
		}
		if err == nil {
			err = pause(ctx, gap)
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil && cancel {
			err = errors.Join(err, stop(ctx, func(context.Context) (*bq.Job, error) { return job, nil }))
		}
		return nil, err
	}
}

func duplicateJob(err error) bool {
	var e *googleapi.Error
	return errors.As(err, &e) && e.Code == http.StatusConflict && reason(err) == "duplicate"
}

func jobLabels(j *bq.Job) map[string]string {
	switch c, _ := j.Config(); c := c.(type) { // a job without a readable configuration is not ours
	case *bq.QueryConfig:
		return c.Labels
	case *bq.LoadConfig:
		return c.Labels
	case *bq.ExtractConfig:
		return c.Labels
	}
	return nil
}

// label gives what BigQuery takes as a key or value of a label: at most 63 lower-case
// letters, digits, underscores and dashes
// (https://cloud.google.com/bigquery/docs/labels-intro#requirements).
func label(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(s))
	return s[:min(len(s), 63)]
}

package cloudworkflows

import (
	"context"
	"errors"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// start says which execution an id stands for.
type start struct {
	Workflow string `json:"workflow"`
	ID       string `json:"id"`
	// Execution is the last part of the execution's name; "" until it is known. The
	// parts before it are not kept: the service may give the project's number for its id.
	Execution string `json:"execution,omitempty"`
	// Claim is who may create the execution, Until when.
	Claim string    `json:"claim,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Claims counts them.
	Claims int `json:"claims"`
}

func key(workflow, id string) string { return workflow + "." + id }

// timing of a start.
type timing struct {
	budget   time.Duration // what the owner of a claim does ends by then
	claim    time.Duration // how long a claim holds; the difference is for clocks that differ
	attempt  time.Duration // one CreateExecution
	attempts int
	pause    time.Duration // before the second attempt; it doubles
	poll     time.Duration // between looks at another one's claim; it doubles up to a second
}

var production = timing{budget: 20 * time.Second, claim: 30 * time.Second, attempt: 10 * time.Second, attempts: 3, pause: time.Second, poll: 50 * time.Millisecond}

// claim gives the document, with mine set when the caller is to create the execution.
// It waits while somebody else is at it.
func (d *Driver) claim(ctx context.Context, name, id string) (s start, mine bool, err error) {
	for wait := d.timing.poll; ; wait = min(2*wait, time.Second) {
		err = d.db.Transact(ctx, func(tx *state.Tx) error {
			s, err = state.Get(tx, d.starts, key(name, id))
			if err != nil && !problem.Is(err, problem.NotFound) {
				return err
			}
			if mine = s.Execution == "" && time.Now().After(s.Until); !mine {
				return nil
			}
			s = start{Workflow: name, ID: id, Claim: state.NewID(), Until: time.Now().UTC().Add(d.timing.claim), Claims: s.Claims + 1}
			return state.Put(tx, d.starts, key(name, id), s)
		})
		if err != nil || mine || s.Execution != "" {
			return s, mine, err
		}
		if err := sleep(ctx, wait); err != nil {
			return s, false, problem.Wrap(err, problem.Unavailable, "execution %s of workflow %s is being started by somebody else", id, name)
		}
	}
}

// begin creates the execution of a claim and writes its name down.
func (d *Driver) begin(ctx context.Context, s start, argument string) (workflow.Execution, error) {
	work, cancel := context.WithTimeout(ctx, d.timing.budget)
	defer cancel()
	execution, err := d.create(work, s, argument)
	if err != nil {
		return workflow.Execution{}, errors.Join(err, d.release(ctx, s, !unclear(problem.CodeOf(err))))
	}
	settled, err := d.settle(work, s, execution)
	if err != nil {
		return workflow.Execution{}, errors.Join(err, d.release(ctx, s, false))
	}
	return d.read(work, settled, settled.Execution)
}

// create gives the execution of a claim: one that is there already, or a new one.
func (d *Driver) create(ctx context.Context, s start, argument string) (string, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return "", err
	}
	look := s.Claims > 1
	for attempt, pause := 1, d.timing.pause; ; attempt, pause = attempt+1, 2*pause {
		if look {
			found, err := d.labelled(ctx, s.Workflow, s.ID)
			if err != nil {
				return "", err
			}
			if len(found) > 0 {
				return found[0], nil
			}
		}
		try, cancel := context.WithTimeout(ctx, d.timing.attempt)
		x, err := c.CreateExecution(try, &executionspb.CreateExecutionRequest{
			Parent: d.parent + s.Workflow, Execution: &executionspb.Execution{Argument: argument, Labels: map[string]string{Label: s.ID}},
		})
		cancel()
		switch {
		case err == nil:
			return short(x.GetName()), nil
		case gcp.Code(err) == problem.NotFound:
			return "", noWorkflow(s.Workflow)
		case !unclear(gcp.Code(err)) || attempt == d.timing.attempts || ctx.Err() != nil:
			return "", gcp.Problem(ctx, err, "execution %s of workflow %s cannot be started", s.ID, s.Workflow)
		}
		look = true
		if err := sleep(ctx, pause); err != nil {
			return "", gcp.Problem(ctx, err, "execution %s of workflow %s cannot be started", s.ID, s.Workflow)
		}
	}
}

// unclear reports whether a call that failed with this code may have had its effect.
func unclear(code problem.Code) bool {
	switch code {
	case problem.Unavailable, problem.Internal, problem.Cancelled:
		return true
	}
	return false
}

// settle writes down which execution counts: this one, unless another one does. One
// that does not count is left alone: its callback may be the one that is kept.
func (d *Driver) settle(ctx context.Context, s start, execution string) (start, error) {
	out := s
	err := d.db.Transact(ctx, func(tx *state.Tx) error {
		cur, err := state.Get(tx, d.starts, key(s.Workflow, s.ID))
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if err == nil && cur.Execution != "" {
			out = cur
			return nil
		}
		out = start{Workflow: s.Workflow, ID: s.ID, Execution: execution, Claims: max(s.Claims, cur.Claims)}
		return state.Put(tx, d.starts, key(s.Workflow, s.ID), out)
	})
	if err != nil {
		return s, err // what was not committed says nothing
	}
	return out, nil
}

// release ends a claim whose work failed. A first claim that certainly made no
// execution, none, leaves nothing behind; any other one leaves the next claim something
// to look for.
func (d *Driver) release(ctx context.Context, s start, none bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timing.claim-d.timing.budget)
	defer cancel()
	return d.db.Transact(ctx, func(tx *state.Tx) error {
		cur, err := state.Get(tx, d.starts, key(s.Workflow, s.ID))
		if problem.Is(err, problem.NotFound) || err == nil && (cur.Claim != s.Claim || cur.Execution != "") {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Claims == 1 && none {
			return state.Delete(tx, d.starts, key(s.Workflow, s.ID))
		}
		cur.Until = time.Time{}
		return state.Put(tx, d.starts, key(s.Workflow, s.ID), cur)
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

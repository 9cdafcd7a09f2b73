package interpreter

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Collections of the driver. Documents of an execution are named
// "<workflow>.<execution>".
const (
	executionsCollection  = "workflow_executions"  // what Get answers
	checkpointsCollection = "workflow_checkpoints" // of active executions
	sourcesCollection     = "workflow_sources"     // by hash
	endpointsCollection   = "workflow_endpoints"   // of active executions
	callbacksCollection   = "workflow_callbacks"   // received, by endpoint
)

// checkpoint is the durable state of an active execution.
type checkpoint struct {
	Source string    `json:"source"` // hash
	State  *snapshot `json:"state"`
}

// source is the text an execution runs.
type source struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// endpoint is a callback endpoint.
type endpoint struct {
	Execution string `json:"execution"`
	Method    string `json:"method"`
}

// callback is a received request. It stays, consumed, until the execution ends, so
// that a repeated delivery is not taken for a second one.
type callback struct {
	ID       string    `json:"id"`
	Endpoint string    `json:"endpoint"`
	Seq      string    `json:"seq"` // orders the callbacks of an endpoint
	Received time.Time `json:"received"`
	Request  boxed     `json:"request"`
	Consumed bool      `json:"consumed,omitempty"`
}

type store struct {
	db          *state.DB
	executions  *state.Collection[workflow.Execution]
	checkpoints *state.Collection[checkpoint]
	sources     *state.Collection[source]
	endpoints   *state.Collection[endpoint]
	callbacks   *state.Collection[callback]
}

func newStore(db *state.DB) *store {
	return &store{
		db:          db,
		executions:  state.Of[workflow.Execution](db, executionsCollection),
		checkpoints: state.Of[checkpoint](db, checkpointsCollection),
		sources:     state.Of[source](db, sourcesCollection),
		endpoints:   state.Of[endpoint](db, endpointsCollection),
		callbacks:   state.Of[callback](db, callbacksCollection),
	}
}

// errEnded says that an execution is no longer active: it was cancelled.
var errEnded = errors.New("the execution has ended")

// change is what one step writes, all of it in one transaction.
type change struct {
	machine   *machine
	source    string
	step      string
	endpoints map[string]endpoint // made by this step
	consumed  *callback           // taken by this step
	stale     []string            // callbacks to delete, when the execution ends
	now       time.Time
}

// commit writes a step. errEnded when the execution is not active any more.
func (s *store) commit(ctx context.Context, id string, c change) error {
	return s.db.Transact(ctx, func(tx *state.Tx) error {
		e, err := state.Get(tx, s.executions, id)
		if err != nil {
			return err
		}
		if e.Status != workflow.Active {
			return errEnded
		}
		e.Step = c.step
		if c.machine.done {
			if err := s.finish(tx, id, c, &e); err != nil {
				return err
			}
			return state.Put(tx, s.executions, id, e)
		}
		for key, ep := range c.endpoints {
			if err := state.Put(tx, s.endpoints, key, ep); err != nil {
				return err
			}
		}
		if c.consumed != nil {
			if err := state.Put(tx, s.callbacks, c.consumed.ID, *c.consumed); err != nil {
				return err
			}
		}
		if err := state.Put(tx, s.checkpoints, id, checkpoint{c.source, c.machine.st}); err != nil {
			return err
		}
		return state.Put(tx, s.executions, id, e)
	})
}

// finish turns e into an ended execution and removes what only an active one needs.
func (s *store) finish(tx *state.Tx, id string, c change, e *workflow.Execution) error {
	e.Ended, e.Step, e.Status = c.now, "", workflow.Succeeded
	failure := c.machine.failure
	if failure == nil {
		b, err := toJSON(c.machine.result)
		if err != nil {
			failure = raise(TagType, "the result of a workflow cannot be bytes")
		}
		e.Result = json.RawMessage(b)
	}
	if failure != nil {
		e.Status, e.Result, e.Error = workflow.Failed, nil, failureProblem(failure)
	}
	return s.clear(tx, id, c.machine.st, c.stale)
}

func (s *store) clear(tx *state.Tx, id string, st *snapshot, callbacks []string) error {
	for _, ep := range st.Endpoints {
		if err := state.Delete(tx, s.endpoints, id+"."+ep); err != nil {
			return err
		}
	}
	for _, cb := range callbacks {
		if err := state.Delete(tx, s.callbacks, cb); err != nil {
			return err
		}
	}
	return state.Delete(tx, s.checkpoints, id)
}

// received lists the callbacks of an endpoint, oldest first.
func (s *store) received(ctx context.Context, id, ep string) ([]callback, error) {
	var out []callback
	q := state.Query{Where: []state.Where{{Field: "endpoint", Op: state.Eq, Value: id + "." + ep}}, OrderBy: "seq"}
	for cb, err := range s.callbacks.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, cb)
	}
	return out, nil
}

// stale lists all callbacks of an execution that ends.
func (s *store) stale(ctx context.Context, id string, st *snapshot) ([]string, error) {
	var out []string
	for _, ep := range st.Endpoints {
		cbs, err := s.received(ctx, id, ep)
		if err != nil {
			return nil, err
		}
		for _, cb := range cbs {
			out = append(out, cb.ID)
		}
	}
	return out, nil
}

// failureProblem describes an error that no except took.
func failureProblem(r *raised) *problem.Error {
	payload, err := toJSON(r.payload)
	if err != nil { // a value that JSON cannot carry, such as bytes
		payload, _ = json.Marshal(r.message()) // text encodes
	}
	return workflow.Failure(payload, r.where)
}

package etl

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/names"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

func (s *Store) jobNames() names.Names { return names.Of(s.DB, JobsCollection, "job") }

func (s *Store) connectionNames() names.Names {
	return names.Of(s.DB, ConnectionsCollection, "connection")
}

// SaveJob creates or replaces a job under a unique name.
func (s *Store) SaveJob(ctx context.Context, j Job) (Job, error) {
	j.UpdatedAt = time.Now().UTC()
	err := s.DB.Transact(ctx, func(tx *state.Tx) error {
		old, err := state.Get(tx, s.Jobs, j.ID)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if err == nil { // what runs wrote meanwhile stays
			j.ActiveRun, j.LastRun, j.LastStatus, j.LastRunAt, j.RunAgain = old.ActiveRun, old.LastRun, old.LastStatus, old.LastRunAt, old.RunAgain
		}
		if err := s.jobNames().Rename(tx, j.ID, old.Name, j.Name); err != nil {
			return err
		}
		return state.Put(tx, s.Jobs, j.ID, j)
	})
	return j, err
}

// DeleteJob removes a job that no run is active on. Its runs are kept.
func (s *Store) DeleteJob(ctx context.Context, id string) error {
	return s.DB.Transact(ctx, func(tx *state.Tx) error {
		j, err := state.Get(tx, s.Jobs, id)
		if err != nil {
			return absent(err, "job", id)
		}
		if j.ActiveRun != "" {
			r, err := state.Get(tx, s.Runs, j.ActiveRun)
			if err != nil && !problem.Is(err, problem.NotFound) {
				return err
			}
			if err == nil && !r.Status.Ended() {
				return problem.New(problem.FailedPrecondition, "run #%d of %s is active", r.Number, j.Name).
					WithNext(problem.TurnYou, "Cancel it or wait for its end, then delete the job.")
			}
		}
		if err := s.jobNames().Rename(tx, id, j.Name, ""); err != nil {
			return err
		}
		return state.Delete(tx, s.Jobs, id)
	})
}

// SaveConnection creates or replaces a connection under a unique name.
func (s *Store) SaveConnection(ctx context.Context, c Connection) (Connection, error) {
	c.UpdatedAt = time.Now().UTC()
	err := s.DB.Transact(ctx, func(tx *state.Tx) error {
		old, err := state.Get(tx, s.Connections, c.ID)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if err := s.connectionNames().Rename(tx, c.ID, old.Name, c.Name); err != nil {
			return err
		}
		return state.Put(tx, s.Connections, c.ID, c)
	})
	return c, err
}

// DeleteConnection removes a connection that no job uses.
func (s *Store) DeleteConnection(ctx context.Context, id string) (Connection, error) {
	page, err := s.Jobs.Query(ctx, state.Query{Where: []state.Where{{Field: "connection", Op: state.Eq, Value: id}}, Limit: 5})
	if err != nil {
		return Connection{}, err
	}
	if len(page.Items) > 0 {
		p := problem.New(problem.FailedPrecondition, "%d or more jobs use the connection", len(page.Items)).WithNext(problem.TurnYou, "Delete those jobs first.")
		for _, j := range page.Items {
			p.WithField("jobs", "%s", j.Name)
		}
		return Connection{}, p
	}
	var c Connection
	err = s.DB.Transact(ctx, func(tx *state.Tx) error {
		if c, err = state.Get(tx, s.Connections, id); err != nil {
			return absent(err, "connection", id)
		}
		if err := s.connectionNames().Rename(tx, id, c.Name, ""); err != nil {
			return err
		}
		return state.Delete(tx, s.Connections, id)
	})
	return c, err
}

package etl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Workflow is the definition that runs a load.
const Workflow = "etl-run"

// Store is the ETL domain's documents.
type Store struct {
	DB          *state.DB
	Connections *state.Collection[Connection]
	Jobs        *state.Collection[Job]
	Runs        *state.Collection[Run]
	Chunks      *state.Collection[Chunk]
	Files       *state.Collection[ProcessedFile]
	lists       *state.Collection[ChunkList]
	counters    *state.Collection[counter]
}

// ProcessedFile is a file that a job has loaded; its id is FileID.
type ProcessedFile struct {
	File
	Job      string    `json:"job"`
	Run      string    `json:"run"`
	LoadedAt time.Time `json:"loaded_at"`
}

type counter struct {
	N int64 `json:"n"`
}

// NewStore makes the store.
func NewStore(db *state.DB) *Store {
	return &Store{DB: db,
		Connections: state.Of[Connection](db, ConnectionsCollection), Jobs: state.Of[Job](db, JobsCollection),
		Runs: state.Of[Run](db, RunsCollection), Chunks: state.Of[Chunk](db, ChunksCollection),
		Files: state.Of[ProcessedFile](db, FilesCollection), lists: state.Of[ChunkList](db, ChunkListsCollection), counters: state.Of[counter](db, "etl_counters")}
}

// FileID is the id of a processed-file record.
func FileID(job, key string) string {
	sum := sha256.Sum256([]byte(key))
	return job + "-" + hex.EncodeToString(sum[:12])
}

// ChunkID is the id of a chunk.
func ChunkID(run string, epoch, number int) string {
	return fmt.Sprintf("%s-%d-%05d", run, epoch, number)
}

// Start makes a run of a job and starts its workflow. A key makes it idempotent:
// a second call with the same key gives the first call's run. FailedPrecondition
// when another run of the job is active.
func (s *Store) Start(ctx context.Context, w *workflow.Engine, functionsURL, job, trigger, by, key string) (Run, error) {
	id := state.NewID()
	if key != "" {
		sum := sha256.Sum256([]byte(job + "\x00" + key))
		id = "k" + hex.EncodeToString(sum[:12])
	}
	var run Run
	busy := ""
	now := time.Now().UTC()
	err := s.DB.Transact(ctx, func(tx *state.Tx) error {
		busy = ""
		existing, err := state.Get(tx, s.Runs, id)
		if err == nil {
			run = existing
			return nil
		}
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		j, err := state.Get(tx, s.Jobs, job)
		if err != nil {
			return absent(err, "job", job)
		}
		if j.ActiveRun != "" {
			active, err := state.Get(tx, s.Runs, j.ActiveRun)
			if err != nil && !problem.Is(err, problem.NotFound) {
				return err
			}
			if err == nil && !active.Status.Ended() {
				busy, run = active.ID, active
				return nil
			}
		}
		n, err := state.Get(tx, s.counters, "runs")
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		n.N++
		run = Run{ID: id, Number: n.N, Job: job, JobName: j.Name, Destination: j.Destination, Load: j.Load, Trigger: trigger, By: by,
			Status: Pending, Estimate: -1, CreatedAt: now, UpdatedAt: now, Phases: []Phase{}}
		j.ActiveRun, j.LastRun, j.LastStatus, j.LastRunAt, j.RunAgain = id, id, Pending, now, false
		if err := state.Put(tx, s.counters, "runs", n); err != nil {
			return err
		}
		if err := state.Put(tx, s.Jobs, job, j); err != nil {
			return err
		}
		return state.Put(tx, s.Runs, id, run)
	})
	if err != nil {
		return run, err
	}
	telemetry.Add(ctx, slog.String("run", run.ID), slog.String("job", run.Job))
	// Idempotent: it also heals a run whose workflow was not started because the
	// process died right here.
	if !run.Status.Ended() {
		if _, err := w.Start(ctx, Workflow, run.ID, map[string]string{"run": run.ID, "functions_url": functionsURL, "traceparent": telemetry.Traceparent(ctx)}); err != nil {
			return run, err
		}
	}
	if busy != "" {
		return run, problem.New(problem.FailedPrecondition, "run #%d of %s is still active", run.Number, run.JobName).
			WithNext(problem.TurnYou, "Wait for it to end, or cancel it.")
	}
	return run, nil
}

// StartOrQueue is Start for triggers nobody waits for: when a run is active, the
// next one follows it at once. It reports whether a run was started.
func (s *Store) StartOrQueue(ctx context.Context, w *workflow.Engine, functionsURL, job, trigger, key string) (bool, error) {
	for {
		_, err := s.Start(ctx, w, functionsURL, job, trigger, "", key)
		if !problem.Is(err, problem.FailedPrecondition) {
			return err == nil, err
		}
		queued := false
		_, err = s.Jobs.Update(ctx, job, func(j *Job) error {
			queued = j.ActiveRun != ""
			j.RunAgain = queued
			return nil
		})
		if err != nil || queued {
			return false, err
		}
		// The active run ended in between: start after all.
	}
}

// Begin stamps a phase as running and the run as running.
func (r *Run) Begin(phase string) {
	now := time.Now().UTC()
	if r.Status == Pending {
		r.Status, r.StartedAt = Running, now
	}
	i := slices.IndexFunc(r.Phases, func(p Phase) bool { return p.Name == phase })
	if i < 0 {
		r.Phases = append(r.Phases, Phase{Name: phase, Started: now})
	}
	r.UpdatedAt = now
}

// End stamps a phase as over.
func (r *Run) End(phase string) {
	now := time.Now().UTC()
	for i := range r.Phases {
		if r.Phases[i].Name == phase && r.Phases[i].Ended.IsZero() {
			r.Phases[i].Ended = now
		}
	}
	r.UpdatedAt = now
}

// Warn adds a warning once.
func (r *Run) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.Warnings, text) && len(r.Warnings) < maxWarnings {
		r.Warnings = append(r.Warnings, text)
	}
}

// maxWarnings keeps a run's document small.
const maxWarnings = 50

// Reconcile says in one sentence what does not add up; "" when everything does.
// It holds before the commit and, with its result, after it.
func (r *Run) Reconcile() string {
	switch {
	case r.ChunksLoaded != r.Chunks:
		return fmt.Sprintf("%d of %d chunks are loaded", r.ChunksLoaded, r.Chunks)
	case r.RowsRead != r.RowsStaged+r.RowsRejected:
		return fmt.Sprintf("%d rows were read, but %d staged and %d rejected", r.RowsRead, r.RowsStaged, r.RowsRejected)
	case r.Commit != nil && r.Commit.Read != r.RowsStaged:
		return fmt.Sprintf("%d rows were staged, but the warehouse read %d", r.RowsStaged, r.Commit.Read)
	}
	return ""
}

func absent(err error, what, id string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "there is no %s %q", what, id)
	}
	return err
}

// Connection reads a connection; the built-in one of the uploads bucket always is there.
func (s *Store) Connection(ctx context.Context, id string) (Connection, error) {
	if id == UploadsConnection {
		return Connection{ID: id, Name: "Uploaded files", Type: UploadsConnection, Params: map[string]any{}, TestStatus: "success"}, nil
	}
	c, err := s.Connections.Get(ctx, id)
	return c, absent(err, "connection", id)
}

// RunAndJob reads a run and its job. The job is the zero Job when it was deleted.
func (s *Store) RunAndJob(ctx context.Context, id string) (Run, Job, error) {
	r, err := s.Runs.Get(ctx, id)
	if err != nil {
		return r, Job{}, absent(err, "run", id)
	}
	j, err := s.Jobs.Get(ctx, r.Job)
	if problem.Is(err, problem.NotFound) {
		return r, Job{}, problem.New(problem.FailedPrecondition, "the job of run #%d was deleted", r.Number)
	}
	return r, j, err
}

package etl

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	// LeaseFor is how long a chunk waits for a reader that is not heard of: the bound on
	// what the death of a reader costs. It is three of the renewals below, so that two may
	// be late, and far above the difference of two machines' clocks.
	LeaseFor = 15 * time.Second
	// RenewEvery is how often a reader says that it lives.
	RenewEvery = 5 * time.Second
)

var (
	// ErrHeld tells that another reader has the chunk. The caller's duty: write nothing
	// of it, and wait for that reader's end without acknowledging the event.
	ErrHeld = problem.New(problem.FailedPrecondition, "the chunk is being read by another process")
	// ErrExhausted tells that a chunk was begun as often as it may be. The caller's duty: end its run.
	ErrExhausted = problem.New(problem.ResourceExhausted, "the chunk was begun too often")
	// ErrRead tells that the chunk is read already. The caller's duty: nothing.
	ErrRead = problem.New(problem.FailedPrecondition, "the chunk is read")
)

// Held reports whether somebody reads the chunk at this time. only names the one
// process that reads chunks, "" where there are several: what a former process held is
// free at once.
func (c Chunk) Held(now time.Time, only string) bool {
	return c.Lease != nil && now.Before(c.Lease.Until) && (only == "" || c.Lease.Process == only)
}

// Take begins an attempt to read a chunk: a lease of LeaseFor for one reader of a
// process. ErrHeld, ErrRead and ErrExhausted (after as many attempts as most) leave the
// chunk as it is. The lease spares double work; it is no lock: a reader whose process
// stood still goes on beside the next one, and what it stages has names of its own.
func (s *Store) Take(ctx context.Context, id, process, only string, most int) (Chunk, error) {
	return s.Chunks.Update(ctx, id, func(c *Chunk) error {
		now := time.Now().UTC()
		switch {
		case c.State == ChunkExtracted || c.State == ChunkLoaded:
			return ErrRead
		case c.Held(now, only):
			return ErrHeld
		case c.Attempts >= most:
			return ErrExhausted
		}
		c.State, c.Attempts, c.Rows, c.Staged, c.Rejected, c.Error = ChunkRunning, c.Attempts+1, 0, 0, 0, nil
		c.StartedAt, c.EndedAt = now, time.Time{}
		c.Lease = &Lease{Process: process, Reader: state.NewID(), Until: now.Add(LeaseFor)}
		return nil
	})
}

// Keep renews the lease that Take gave, and says how many rows are read. ErrHeld when
// it is not the reader's any more.
func (s *Store) Keep(ctx context.Context, taken Chunk, rows int64) error {
	return s.own(ctx, taken, func(c *Chunk) {
		c.Rows, c.Lease.Until = rows, time.Now().UTC().Add(LeaseFor)
	})
}

// Leave gives the lease back. ErrHeld when it is not the reader's any more.
func (s *Store) Leave(ctx context.Context, taken Chunk) error {
	return s.own(ctx, taken, func(c *Chunk) { c.Lease = nil })
}

func (s *Store) own(ctx context.Context, taken Chunk, change func(*Chunk)) error {
	_, err := s.Chunks.Update(ctx, taken.ID, func(c *Chunk) error {
		if c.Lease == nil || c.Lease.Reader != taken.Lease.Reader {
			return ErrHeld
		}
		change(c)
		return nil
	})
	return err
}

package etl

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/state"
)

// Extracted records that a chunk's objects are staged.
func (s *Store) Extracted(tx *state.Tx, id string, rows, staged, rejected, bytes int64, objects []string) error {
	c, err := state.Get(tx, s.Chunks, id)
	if err != nil || c.State == ChunkLoaded {
		return err
	}
	r, err := state.Get(tx, s.Runs, c.Run)
	if err != nil {
		return err
	}
	if c.State != ChunkExtracted && r.Epoch == c.Epoch {
		r.ChunksExtracted++
		r.UpdatedAt = time.Now().UTC()
	}
	c.State, c.Rows, c.Staged, c.Rejected, c.Bytes, c.Objects = ChunkExtracted, rows, staged, rejected, bytes, objects
	c.EndedAt, c.Lease = time.Now().UTC(), nil
	if err := state.Put(tx, s.Chunks, id, c); err != nil {
		return err
	}
	return state.Put(tx, s.Runs, c.Run, r)
}

// Loaded counts a chunk into its run, once, whatever comes twice.
func (s *Store) Loaded(tx *state.Tx, id string, rows, staged, rejected, bytes int64, objects []string, reasons map[string]int64) (Run, error) {
	c, err := state.Get(tx, s.Chunks, id)
	if err != nil {
		return Run{}, err
	}
	r, err := state.Get(tx, s.Runs, c.Run)
	if err != nil || c.State == ChunkLoaded || r.Epoch != c.Epoch || r.Status.Ended() {
		return r, err
	}
	if c.State != ChunkExtracted {
		r.ChunksExtracted++
	}
	c.State, c.Rows, c.Staged, c.Rejected, c.Bytes, c.Objects = ChunkLoaded, rows, staged, rejected, bytes, objects
	c.Lease = nil
	if c.EndedAt.IsZero() {
		c.EndedAt = time.Now().UTC()
	}
	r.Begin("load")
	r.ChunksLoaded++
	r.RowsRead += rows
	r.RowsStaged += staged
	r.RowsRejected += rejected
	r.BytesRead += bytes
	if r.RejectReasons == nil {
		r.RejectReasons = map[string]int64{}
	}
	for k, n := range reasons {
		r.RejectReasons[k] += n
	}
	if r.ChunksLoaded == r.Chunks {
		r.End("extract")
		r.End("load")
	}
	if err := state.Put(tx, s.Chunks, id, c); err != nil {
		return r, err
	}
	return r, state.Put(tx, s.Runs, r.ID, r)
}

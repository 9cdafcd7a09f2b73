package etl

import (
	"context"
	"fmt"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// foldChunks is how many chunks share a document of an ended run: at the longest
// label, a key of 1,024 bytes that JSON writes with six each, and without what only
// readers need, they stay below state.MaxDocumentBytes. It is also how many are
// deleted at once.
const foldChunks = 100

func listID(run string, part int) string { return fmt.Sprintf("%s-%03d", run, part) }

// below is the query of the chunks whose ids begin with a prefix and a "-", by id. "."
// is the character after "-".
func below(prefix string, limit int) state.Query {
	return state.Query{OrderBy: "id", Limit: limit, Where: []state.Where{{Field: "id", Op: state.Ge, Value: prefix + "-"}, {Field: "id", Op: state.Lt, Value: prefix + "."}}}
}

// Planned reads the chunks of a run's plan, by number: r.Chunks of them until the run
// has ended and was folded.
func (s *Store) Planned(ctx context.Context, r Run) ([]Chunk, error) {
	out := make([]Chunk, 0, r.Chunks)
	for c, err := range s.Chunks.All(ctx, below(fmt.Sprintf("%s-%d", r.ID, r.Epoch), foldChunks)) {
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// ChunksOf tells of the chunks of a run's plan, by number, also when it has ended.
func (s *Store) ChunksOf(ctx context.Context, r Run) ([]Chunk, error) {
	if r.Status.Ended() {
		out, err := s.folded(ctx, r)
		if !problem.Is(err, problem.NotFound) {
			return out, err
		} // it has just ended
	}
	out, err := s.Planned(ctx, r)
	if err != nil || len(out) == r.Chunks {
		return out, err
	}
	return s.folded(ctx, r) // meanwhile: the list stands before the first chunk goes
}

func (s *Store) folded(ctx context.Context, r Run) ([]Chunk, error) {
	out := make([]Chunk, 0, r.Chunks)
	for part := 0; part*foldChunks < r.Chunks; part++ {
		l, err := s.lists.Get(ctx, listID(r.ID, part))
		if err != nil {
			return nil, err
		}
		out = append(out, l.Chunks...)
	}
	return out, nil
}

// Fold keeps what is to be told of an ended run's chunks in a few documents that
// nobody watches, and deletes the chunks' own, those of replaced plans included. It
// MAY be repeated, and be broken off anywhere: no chunk goes before the list stands.
func (s *Store) Fold(ctx context.Context, r Run) error {
	chunks, err := s.Planned(ctx, r)
	if err != nil {
		return err
	}
	if len(chunks) == r.Chunks { // else the list stands already
		if err := s.fold(ctx, r, chunks); err != nil {
			return err
		}
	}
	for {
		page, err := s.Chunks.Query(ctx, below(r.ID, foldChunks))
		if err != nil || len(page.Items) == 0 {
			return err
		}
		err = s.DB.Transact(ctx, func(tx *state.Tx) error {
			for _, c := range page.Items {
				if err := state.Delete(tx, s.Chunks, c.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func (s *Store) fold(ctx context.Context, r Run, chunks []Chunk) error {
	for i := range chunks {
		c := &chunks[i]
		c.Spec, c.Objects, c.Lease = nil, nil, nil
		if c.State == ChunkWaiting || c.State == ChunkRunning { // nobody waits for it any more
			c.State = ChunkCancelled
			if !c.StartedAt.IsZero() {
				c.EndedAt = r.EndedAt
			}
		}
	}
	return s.DB.Transact(ctx, func(tx *state.Tx) error {
		for part := 0; part*foldChunks < len(chunks); part++ {
			l := ChunkList{chunks[part*foldChunks : min(len(chunks), (part+1)*foldChunks)]}
			if err := state.Put(tx, s.lists, listID(r.ID, part), l); err != nil {
				return err
			}
		}
		return nil
	})
}

package versioned

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/names"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Record is a named document; Definition is its newest version.
type Record[D any] struct {
	ID          string    `json:"id"`
	Project     string    `json:"project"`
	Name        string    `json:"name" minLength:"1" maxLength:"255"`
	Description string    `json:"description,omitempty"`
	Version     int       `json:"version"`
	Definition  D         `json:"definition"`
	Hash        string    `json:"hash"` // of the definition
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	CreatedBy   string    `json:"created_by,omitempty"`
}

// Version is an immutable definition.
type Version[D any] struct {
	Of         string    `json:"of"` // the record's id
	Number     int       `json:"number"`
	Definition D         `json:"definition"`
	Hash       string    `json:"hash"` // SHA-256 of the definition's JSON
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by,omitempty"`
}

// Change is what a create or update sets; nil leaves a member as it is.
type Change[D any] struct {
	Name        *string
	Description *string
	Definition  *D
	By          string
}

// Store keeps the records of one kind in one project.
type Store[D any] struct {
	db       *state.DB
	kind     string // for messages, e.g. "feature config"
	project  string
	records  *state.Collection[Record[D]]
	versions *state.Collection[Version[D]]
	names    names.Names
}

// New makes a store on the collections records and versions, e.g.
// feature.Collection(p) and feature.VersionsCollection(p).
func New[D any](db *state.DB, kind, project, records, versions string) *Store[D] {
	return &Store[D]{
		db: db, kind: kind, project: project,
		records:  state.Of[Record[D]](db, records),
		versions: state.Of[Version[D]](db, versions),
		names:    names.Of(db, records, kind),
	}
}

// Get reads a record. NotFound when absent.
func (s *Store[D]) Get(ctx context.Context, id string) (Record[D], error) {
	r, err := s.records.Get(ctx, id)
	return r, s.absent(err, id)
}

// List reads a page, newest first, of records whose name contains search, case ignored.
func (s *Store[D]) List(ctx context.Context, search string, limit int, cursor string) (state.Page[Record[D]], error) {
	q := state.Query{Desc: true, Limit: limit, Cursor: cursor}
	if search == "" {
		return s.records.Query(ctx, q)
	}
	// Substrings are no index of a document store; a project has few configs, so one pass is enough.
	var page state.Page[Record[D]]
	for r, err := range s.records.All(ctx, state.Query{Desc: true, Limit: 200}) {
		if err != nil {
			return page, err
		}
		if strings.Contains(strings.ToLower(r.Name+" "+r.Description), strings.ToLower(search)) && len(page.Items) < max(limit, 1) {
			page.Items = append(page.Items, r)
		}
	}
	return page, nil
}

// VersionID is the document id of a version.
func VersionID(id string, number int) string { return id + "-v" + strconv.Itoa(number) }

// Version reads one version. NotFound when absent.
func (s *Store[D]) Version(ctx context.Context, id string, number int) (Version[D], error) {
	v, err := s.versions.Get(ctx, VersionID(id, number))
	return v, s.absent(err, VersionID(id, number))
}

// Versions lists the versions of a record, newest first.
func (s *Store[D]) Versions(ctx context.Context, id string) ([]Version[D], error) {
	r, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]Version[D], 0, r.Version)
	for n := r.Version; n >= 1; n-- {
		v, err := s.Version(ctx, id, n)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Create makes a record with version 1. A key other than "" makes it idempotent:
// a second call with the same key gives the first call's record.
// AlreadyExists when the name is taken.
func (s *Store[D]) Create(ctx context.Context, key string, c Change[D]) (Record[D], error) {
	var r Record[D]
	if c.Name == nil || strings.TrimSpace(*c.Name) == "" {
		return r, problem.New(problem.InvalidArgument, "a %s needs a name", s.kind).WithField("name", "must not be empty")
	}
	if c.Definition == nil {
		return r, problem.New(problem.InvalidArgument, "a %s needs a definition", s.kind).WithField("definition", "is missing")
	}
	id := state.NewID()
	if key != "" {
		sum := sha256.Sum256([]byte(s.kind + "\x00" + s.project + "\x00" + key))
		id = "k" + hex.EncodeToString(sum[:12])
	}
	now := time.Now().UTC()
	err := s.db.Transact(ctx, func(tx *state.Tx) error {
		if key != "" {
			existing, err := state.Get(tx, s.records, id)
			if err == nil {
				r = existing
				return nil
			}
			if !problem.Is(err, problem.NotFound) {
				return err
			}
		}
		r = Record[D]{ID: id, Project: s.project, Name: strings.TrimSpace(*c.Name), Version: 1,
			Definition: *c.Definition, Hash: Hash(*c.Definition), CreatedAt: now, UpdatedAt: now, CreatedBy: c.By}
		if c.Description != nil {
			r.Description = *c.Description
		}
		if err := s.names.Rename(tx, id, "", r.Name); err != nil {
			return err
		}
		if err := s.putVersion(tx, r, c.By, now); err != nil {
			return err
		}
		return state.Put(tx, s.records, id, r)
	})
	return r, err
}

// Update changes a record; an unequal definition becomes the next version.
func (s *Store[D]) Update(ctx context.Context, id string, c Change[D]) (Record[D], error) {
	var r Record[D]
	now := time.Now().UTC()
	err := s.db.Transact(ctx, func(tx *state.Tx) error {
		var err error
		if r, err = state.Get(tx, s.records, id); err != nil {
			return s.absent(err, id)
		}
		old := r.Name
		if c.Name != nil && strings.TrimSpace(*c.Name) != "" {
			r.Name = strings.TrimSpace(*c.Name)
		}
		if c.Description != nil {
			r.Description = *c.Description
		}
		if err := s.names.Rename(tx, id, old, r.Name); err != nil {
			return err
		}
		if c.Definition != nil && Hash(*c.Definition) != r.Hash {
			r.Definition, r.Hash = *c.Definition, Hash(*c.Definition)
			r.Version++
			if err := s.putVersion(tx, r, c.By, now); err != nil {
				return err
			}
		}
		r.UpdatedAt = now
		return state.Put(tx, s.records, id, r)
	})
	return r, err
}

// Delete removes a record whose versions nothing pins; usedBy names what does.
// Versions stay: finished runs refer to them.
func (s *Store[D]) Delete(ctx context.Context, id string, usedBy []string) error {
	if len(usedBy) > 0 {
		return problem.New(problem.FailedPrecondition, "the %s is used by %s", s.kind, strings.Join(usedBy, ", ")).
			WithNext(problem.TurnYou, "Delete those first, or keep it.")
	}
	return s.db.Transact(ctx, func(tx *state.Tx) error {
		r, err := state.Get(tx, s.records, id)
		if err != nil {
			return s.absent(err, id)
		}
		if err := s.names.Rename(tx, id, r.Name, ""); err != nil {
			return err
		}
		return state.Delete(tx, s.records, id)
	})
}

func (s *Store[D]) putVersion(tx *state.Tx, r Record[D], by string, now time.Time) error {
	return state.Put(tx, s.versions, VersionID(r.ID, r.Version), Version[D]{
		Of: r.ID, Number: r.Version, Definition: r.Definition, Hash: r.Hash, CreatedAt: now, CreatedBy: by})
}

func (s *Store[D]) absent(err error, id string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "there is no %s %q", s.kind, id)
	}
	return err
}

// Hash is the SHA-256, in hex, of a definition's JSON. encoding/json writes struct
// members in order and map keys sorted, so equal definitions have equal hashes.
func Hash[D any](d D) string {
	b, err := json.Marshal(d)
	if err != nil {
		panic("versioned: a definition that cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/names"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

const maxName = 255

// Service keeps datasets and answers about them. It is safe for concurrent use.
type Service struct {
	db  *state.DB
	wh  *warehouse.Warehouse
	now func() time.Time
}

// NewService makes a service.
func NewService(db *state.DB, wh *warehouse.Warehouse) *Service {
	return &Service{db: db, wh: wh, now: func() time.Time { return time.Now().UTC() }}
}

// VersionID is the document id of a version and of its profile.
func VersionID(dataset string, number int) string { return dataset + "-v" + strconv.Itoa(number) }

// Change is what a create or update sets; nil leaves a member as it is.
type Change struct {
	Name        *string
	Description *string
	Definition  *Definition
	By          string
}

func (s *Service) datasets(project string) *state.Collection[Dataset] {
	return state.Of[Dataset](s.db, Collection(project))
}
func (s *Service) versions(project string) *state.Collection[Version] {
	return state.Of[Version](s.db, VersionsCollection(project))
}
func (s *Service) profiles(project string) *state.Collection[Profile] {
	return state.Of[Profile](s.db, ProfilesCollection(project))
}
func (s *Service) names(project string) names.Names {
	return names.Of(s.db, Collection(project), "dataset")
}

// Create makes a dataset with version 1. A key other than "" makes it idempotent:
// a second call with the same key gives the first call's dataset.
// InvalidArgument with every finding; AlreadyExists when the name is taken.
func (s *Service) Create(ctx context.Context, project, key string, c Change) (Dataset, error) {
	var d Dataset
	if _, err := s.Project(ctx, project); err != nil {
		return d, err
	}
	if c.Name == nil || c.Definition == nil {
		e := problem.New(problem.InvalidArgument, "a dataset needs a name and a definition")
		if c.Name == nil {
			e.WithField("name", "is missing")
		}
		if c.Definition == nil {
			e.WithField("definition", "is missing")
		}
		return d, e
	}
	name, err := cleanName(*c.Name)
	if err != nil {
		return d, err
	}
	id := state.NewID()
	if key != "" {
		sum := sha256.Sum256([]byte("dataset\x00" + project + "\x00" + key))
		id = "k" + hex.EncodeToString(sum[:12])
		if have, err := s.datasets(project).Get(ctx, id); !problem.Is(err, problem.NotFound) {
			return have, err
		}
	}
	v, err := s.compileVersion(ctx, id, 1, *c.Definition, c.By)
	if err != nil {
		return d, err
	}
	err = s.db.Transact(ctx, func(tx *state.Tx) error {
		have, err := state.Get(tx, s.datasets(project), id)
		if err == nil {
			d = have
			return nil
		}
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		d = Dataset{ID: id, Project: project, Name: name, Version: 1, Definition: v.Definition, CreatedAt: v.CreatedAt, UpdatedAt: v.CreatedAt, CreatedBy: c.By}
		if c.Description != nil {
			d.Description = *c.Description
		}
		if err := s.names(project).Rename(tx, id, "", name); err != nil {
			return err
		}
		if err := state.Put(tx, s.versions(project), VersionID(id, 1), v); err != nil {
			return err
		}
		return state.Put(tx, s.datasets(project), id, d)
	})
	return d, err
}

// Update changes a dataset. The next version is made only when the canonical
// definition changed.
func (s *Service) Update(ctx context.Context, project, id string, c Change) (Dataset, error) {
	d, err := s.Get(ctx, project, id)
	if err != nil {
		return d, err
	}
	var v *Version
	if c.Definition != nil && c.Definition.Hash() != d.Definition.Hash() {
		next, err := s.compileVersion(ctx, id, 0, *c.Definition, c.By)
		if err != nil {
			return d, err
		}
		v = &next
	}
	name := d.Name
	if c.Name != nil {
		if name, err = cleanName(*c.Name); err != nil {
			return d, err
		}
	}
	err = s.db.Transact(ctx, func(tx *state.Tx) error {
		var err error
		if d, err = state.Get(tx, s.datasets(project), id); err != nil {
			return absent(err, id)
		}
		old := d.Name
		if c.Name != nil {
			d.Name = name
		}
		if c.Description != nil {
			d.Description = *c.Description
		}
		if err := s.names(project).Rename(tx, id, old, d.Name); err != nil {
			return err
		}
		if v != nil && v.Hash != d.Definition.Hash() {
			d.Version++
			d.Definition = v.Definition
			next := *v
			next.Number = d.Version
			if err := state.Put(tx, s.versions(project), VersionID(id, d.Version), next); err != nil {
				return err
			}
		}
		d.UpdatedAt = s.now()
		return state.Put(tx, s.datasets(project), id, d)
	})
	return d, err
}

// compileVersion checks a definition against the live schema and freezes it.
func (s *Service) compileVersion(ctx context.Context, id string, number int, def Definition, by string) (Version, error) {
	def = def.Normalize()
	schemas, err := LiveSchemas(ctx, s.wh, def)
	if err != nil {
		return Version{}, err
	}
	_, cols, err := Compile(def, schemas, s.wh.Dialect(), Form{Now: s.now()})
	if err != nil {
		return Version{}, err
	}
	if err := CheckFanOut(ctx, s.wh, def, schemas); err != nil {
		return Version{}, err
	}
	return Version{Dataset: id, Number: number, Definition: def, Schema: cols, Hash: def.Hash(), CreatedAt: s.now(), CreatedBy: by}, nil
}

// Get reads a dataset. NotFound when absent.
func (s *Service) Get(ctx context.Context, project, id string) (Dataset, error) {
	d, err := s.datasets(project).Get(ctx, id)
	return d, absent(err, id)
}

// List reads a page of datasets, newest first, whose name or description contains
// search, case ignored. A search looks at all of them and gives one page.
func (s *Service) List(ctx context.Context, project, search string, limit int, cursor string) (state.Page[Dataset], error) {
	q := state.Query{Desc: true, Limit: limit, Cursor: cursor}
	if search == "" {
		return s.datasets(project).Query(ctx, q)
	}
	page := state.Page[Dataset]{}
	for d, err := range s.datasets(project).All(ctx, state.Query{Desc: true, Limit: 200}) {
		if err != nil {
			return page, err
		}
		if strings.Contains(strings.ToLower(d.Name+"\n"+d.Description), strings.ToLower(search)) && len(page.Items) < limit {
			page.Items = append(page.Items, d)
		}
	}
	return page, nil
}

// Version reads a version; number 0 means the newest. NotFound when absent.
func (s *Service) Version(ctx context.Context, project, id string, number int) (Version, error) {
	if number == 0 {
		d, err := s.Get(ctx, project, id)
		if err != nil {
			return Version{}, err
		}
		number = d.Version
	}
	v, err := s.versions(project).Get(ctx, VersionID(id, number))
	return v, absent(err, VersionID(id, number))
}

// Versions lists the versions of a dataset, newest first.
func (s *Service) Versions(ctx context.Context, project, id string) ([]Version, error) {
	d, err := s.Get(ctx, project, id)
	if err != nil {
		return nil, err
	}
	out := make([]Version, 0, d.Version)
	for n := d.Version; n >= 1; n-- {
		v, err := s.Version(ctx, project, id, n)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// dependant is what is read of a feature config.
type dependant struct {
	Name string `json:"name"`
}

// Delete removes a dataset; its versions stay, because finished runs refer to
// them. FailedPrecondition, naming them, while feature configs depend on it.
func (s *Service) Delete(ctx context.Context, project, id string) error {
	if _, err := s.Get(ctx, project, id); err != nil {
		return err
	}
	configs := state.Of[dependant](s.db, "projects/"+project+"/feature_configs")
	page, err := configs.Query(ctx, state.Query{Where: []state.Where{{Field: "definition.dataset", Op: state.Eq, Value: id}}, Limit: 5})
	if err != nil {
		return err
	}
	if len(page.Items) > 0 {
		var names []string
		for _, c := range page.Items {
			names = append(names, fmt.Sprintf("%q", c.Name))
		}
		return problem.New(problem.FailedPrecondition, "the dataset is used by the feature configs %s", strings.Join(names, ", ")).
			WithNext(problem.TurnYou, "Delete those first, or keep it.")
	}
	return s.db.Transact(ctx, func(tx *state.Tx) error {
		d, err := state.Get(tx, s.datasets(project), id)
		if err != nil {
			return absent(err, id)
		}
		if err := s.names(project).Rename(tx, id, d.Name, ""); err != nil {
			return err
		}
		return state.Delete(tx, s.datasets(project), id)
	})
}

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxName {
		return "", problem.New(problem.InvalidArgument, "a dataset needs a name").WithField("name", "between 1 and %d bytes", maxName)
	}
	return name, nil
}

func absent(err error, id string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "there is no dataset %q", id)
	}
	return err
}

package dataset

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/mozillazg/go-unidecode"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// ProjectsCollection holds the projects of an installation.
const ProjectsCollection = "projects"

// Project holds datasets, configs and experiments of one purpose.
type Project struct {
	ID          string    `json:"id"` // ^[a-z][a-z0-9-]{0,39}$
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by,omitempty"`
}

var reProject = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// CreateProject makes a project. An empty ID is made from the name; one that is
// given and exists is AlreadyExists.
func (s *Service) CreateProject(ctx context.Context, p Project) (Project, error) {
	p.Name = strings.TrimSpace(p.Name)
	if p.Name == "" || len(p.Name) > maxName {
		return p, problem.New(problem.InvalidArgument, "a project needs a name").WithField("name", "between 1 and %d bytes", maxName)
	}
	if p.ID != "" && !reProject.MatchString(p.ID) {
		return p, problem.New(problem.InvalidArgument, "%q is not a project id", p.ID).
			WithField("id", "lower-case letters, digits and dashes, beginning with a letter, at most 40")
	}
	p.CreatedAt = s.now()
	if p.ID != "" {
		return p, s.projects().Create(ctx, p.ID, p)
	}
	p.ID = slug(p.Name)
	err := s.projects().Create(ctx, p.ID, p)
	if problem.Is(err, problem.AlreadyExists) {
		p.ID = strings.TrimRight(p.ID[:min(len(p.ID), 30)], "-") + "-" + state.NewID()[18:]
		err = s.projects().Create(ctx, p.ID, p)
	}
	return p, err
}

var reNotSlug = regexp.MustCompile(`[^a-z0-9]+`)

func slug(name string) string {
	s := strings.Trim(reNotSlug.ReplaceAllString(strings.ToLower(unidecode.Unidecode(name)), "-"), "-")
	if s == "" || s[0] < 'a' {
		s = "p-" + s
	}
	return strings.Trim(s[:min(len(s), 40)], "-")
}

// Project reads a project. NotFound when absent.
func (s *Service) Project(ctx context.Context, id string) (Project, error) {
	p, err := s.projects().Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return p, problem.New(problem.NotFound, "there is no project %q", id)
	}
	return p, err
}

// Projects lists a page of projects, by id.
func (s *Service) Projects(ctx context.Context, limit int, cursor string) (state.Page[Project], error) {
	return s.projects().Query(ctx, state.Query{Limit: limit, Cursor: cursor})
}

func (s *Service) projects() *state.Collection[Project] {
	return state.Of[Project](s.db, ProjectsCollection)
}

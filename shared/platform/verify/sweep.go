package verify

import (
	"context"
	"errors"
	"slices"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Sweeper removes what verification left in a project.
type Sweeper struct {
	gcp.Location
	// Emulators are the addresses of services that are fakes. Where there are some, the
	// others are not asked: they are nowhere.
	Emulators map[string]string
}

// Left is what could not be removed, or not even looked for.
type Left struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"` // "" when the kind could not be listed
	Err  string `json:"error"`
}

// Swept is the outcome of a sweep.
type Swept struct {
	Removed []string `json:"removed"` // "kind name"
	Left    []Left   `json:"left"`
}

// OfRun selects what a run made.
func OfRun(run string) func(string, time.Time) bool {
	return func(r string, _ time.Time) bool { return r == run }
}

// Older selects what runs made that began before a moment: a day ago, none is alive.
func Older(than time.Time) func(string, time.Time) bool {
	return func(_ string, begun time.Time) bool { return begun.Before(than) }
}

// first is before every run: a word that reads as an earlier moment ("production") is
// part of somebody's name.
var first = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// each is how long one kind may take; a database takes minutes.
const each = 5 * time.Minute

// Sweep removes what suites made in the runs that which selects. It goes on after a
// failure.
func (s *Sweeper) Sweep(ctx context.Context, suites []string, which func(run string, begun time.Time) bool) Swept {
	out := Swept{Removed: []string{}, Left: []Left{}}
	for _, k := range kinds {
		if !slices.ContainsFunc(k.suites, func(n string) bool { return slices.Contains(suites, n) }) {
			continue
		}
		address := s.Emulators[k.service]
		if len(s.Emulators) > 0 && address == "" {
			continue
		}
		s.kind(ctx, k, gcptest.Client(address), which, &out)
	}
	return out
}

func (s *Sweeper) kind(ctx context.Context, k kind, o []option.ClientOption, which func(string, time.Time) bool, out *Swept) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var names []string
	err := k.each(ctx, s, o, func(name, label string) error {
		run, begun, ok := gcptest.Begun(name)
		if !ok && label != "" {
			run, begun, ok = gcptest.BegunRun(label)
		}
		if ok && !begun.Before(first) && which(run, begun) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		out.Left = append(out.Left, Left{Kind: k.name, Err: err.Error()})
	}
	for _, n := range names {
		switch err := k.remove(ctx, s, o, n); {
		case err == nil:
			out.Removed = append(out.Removed, k.name+" "+n)
		case gcp.Code(err) != problem.NotFound:
			out.Left = append(out.Left, Left{Kind: k.name, Name: n, Err: err.Error()})
		}
	}
}

func (s *Sweeper) project() string { return "projects/" + s.Project }

// pipelines makes the regional client.
func (s *Sweeper) pipelines(ctx context.Context, o []option.ClientOption) (*aiplatform.PipelineClient, error) {
	if s.Region == "" {
		return nil, errors.New("no region is named")
	}
	return aiplatform.NewPipelineClient(ctx, append([]option.ClientOption{option.WithEndpoint(s.Region + "-aiplatform.googleapis.com:443")}, o...)...)
}

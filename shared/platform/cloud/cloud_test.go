package cloud

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestOpenNamesWhatIsLacking(t *testing.T) {
	p, err := Open(t.Context())
	if p != nil || !problem.Is(err, problem.FailedPrecondition) {
		t.Fatalf("Open gives %v, %v", p, err)
	}
	for _, name := range []string{"state", "events", "objects", "warehouse", "workflow", "pipeline", "schedule", "secret", "identity"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	if problem.Of(err).Next == "" {
		t.Error("the problem has no next step")
	}
}

func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want map[string]string
		code problem.Code
	}{
		{"none", nil, nil, ""},
		{"two", map[string]string{"B2BRECS_BUCKET_UPLOADS": "acme-up", "B2BRECS_BUCKET_STAGING": "acme-st"}, map[string]string{"acme-up": "uploads", "acme-st": "staging"}, ""},
		{"one twice", map[string]string{"B2BRECS_BUCKET_UPLOADS": "acme", "B2BRECS_BUCKET_PIPELINES": "acme"}, nil, problem.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Buckets(func(k string) string { return c.env[k] })
			if problem.CodeOf(err) != c.code {
				t.Fatalf("error %v, want code %q", err, c.code)
			}
			if diff := cmp.Diff(maps.Clone(c.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

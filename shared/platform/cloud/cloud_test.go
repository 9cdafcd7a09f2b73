package cloud

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// whole is an environment as Terraform makes it.
func whole() map[string]string {
	return map[string]string{
		"B2BRECS_PROJECT": "acme-b2brecs", "B2BRECS_REGION": "europe-west1", "B2BRECS_FUNCTIONS_URL": "https://europe-west1-acme.cloudfunctions.net/",
		"B2BRECS_BUCKET_UPLOADS": "acme-uploads", "B2BRECS_BUCKET_STAGING": "acme-staging", "B2BRECS_BUCKET_PIPELINES": "acme-pipelines",
		"B2BRECS_OIDC_ISSUER": "https://securetoken.google.com/acme", "B2BRECS_OIDC_AUDIENCE": "acme, acme-cli", "B2BRECS_OWNER_EMAIL": "owner@acme.example",
		"B2BRECS_IDENTITY_PLATFORM_KEY": "AIza-acme",
		"B2BRECS_SERVICE_ACCOUNTS":      "etl-api@acme.iam.gserviceaccount.com,runner@acme.iam.gserviceaccount.com",
		"B2BRECS_SCHEDULER_ACCOUNT":     "runner@acme.iam.gserviceaccount.com", "B2BRECS_PIPELINE_ACCOUNT": "pipeline@acme.iam.gserviceaccount.com",
		"B2BRECS_PIPELINE_IMAGE": "europe-west1-docker.pkg.dev/acme/b2brecs/runtime:1",
	}
}

func TestReadConfig(t *testing.T) {
	env := whole()
	c, err := ReadConfig(func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if c.FunctionsURL != "https://europe-west1-acme.cloudfunctions.net" || len(c.OIDCAudience) != 2 || c.OIDCAudience[1] != "acme-cli" || c.Buckets["staging"] != "acme-staging" || c.Emulators != nil || c.QueryLimitGB != DefaultQueryLimitGB {
		t.Errorf("%+v", c)
	}
	env["B2BRECS_QUERY_LIMIT_GB"] = "7"
	if c, err := ReadConfig(func(k string) string { return env[k] }); err != nil || c.QueryLimitGB != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	for name := range whole() {
		env := whole()
		delete(env, name)
		if _, err := ReadConfig(func(k string) string { return env[k] }); !problem.Is(err, problem.FailedPrecondition) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, wrong := range []map[string]string{
		{"B2BRECS_FUNCTIONS_URL": "acme"},
		{"B2BRECS_BUCKET_STAGING": "acme-uploads"},
		{"B2BRECS_SCHEDULER_ACCOUNT": "somebody@elsewhere.example"},
		{"B2BRECS_ALLOW_PRIVATE_HOSTS": "yes"},
		{"B2BRECS_OIDC_ISSUER": "https://id.example"}, // which knows no API key
		{"B2BRECS_QUERY_LIMIT_GB": "0"},
		{"B2BRECS_QUERY_LIMIT_GB": "1.5"},
		{"B2BRECS_EMULATORS": "firestore=127.0.0.1:1"},
		{"B2BRECS_EMULATORS": "mongo=127.0.0.1:1"},
	} {
		env := whole()
		maps.Copy(env, wrong)
		if _, err := ReadConfig(func(k string) string { return env[k] }); !problem.Is(err, problem.FailedPrecondition) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	// All but the key: without an issuer nobody knows whether it needs one.
	if _, err := ReadConfig(func(string) string { return "" }); len(problem.Of(err).Fields) < len(whole())-1 {
		t.Errorf("an empty environment is told as %+v", problem.Of(err).Fields)
	}
}

// The whole bundle is built without a network, without credentials and without a call.
func TestNewDialsNothing(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
	env := whole()
	c, err := ReadConfig(func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if p.State == nil || p.Events == nil || p.Uploads == nil || p.Staging == nil || p.Pipelines == nil || p.Warehouse == nil || p.Workflows == nil ||
		p.Runner == nil || p.Schedules == nil || p.Secrets == nil || p.Identity == nil || p.HTTP == nil || p.Bury == nil {
		t.Errorf("the bundle has holes: %+v", p.Platform)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
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

func TestNative(t *testing.T) {
	entry := func(job string) events.Message {
		return events.Message{ID: "9", Topic: pipeline.LogTopic, Data: []byte(`{"resource":{"type":"aiplatform.googleapis.com/PipelineJob","labels":{"pipeline_job_id":"` + job + `"}}}`)}
	}
	m, ok, err := Native(entry(vertex.Prefix + "e1"))
	if v, bad := events.Decode(pipeline.TopicNoticed, m); !ok || err != nil || bad != nil || v.Job != "e1" || m.Topic != pipeline.TopicNoticed.Name {
		t.Errorf("%+v %v %v %v", m, ok, err, bad)
	}
	if _, ok, err := Native(entry("somebody-elses")); ok || err != nil {
		t.Errorf("a foreign job: %v %v", ok, err)
	}
	other := events.Message{ID: "1", Topic: "things"}
	if m, ok, err := Native(other); !ok || err != nil || m.Topic != "things" {
		t.Errorf("%+v %v %v", m, ok, err)
	}
}

type tokens struct{ audience string }

func (s *tokens) ServiceToken(_ context.Context, audience string) (string, error) {
	s.audience = audience
	return "minted", nil
}

type recorder struct{ authorization string }

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	r.authorization = q.Header.Get("Authorization")
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: q}, nil
}

// Calls of functions carry a token for that function; nobody else gets one.
func TestServiceTransport(t *testing.T) {
	const base = "https://europe-west1-acme.cloudfunctions.net"
	for _, c := range []struct{ url, audience, authorization string }{
		{base + "/plan-run", base + "/plan-run", "Bearer minted"},
		{base + "/etl-api/v1/etl/jobs?x=1", base + "/etl-api", "Bearer minted"},
		{"https://elsewhere.example/plan-run", "", ""},
		{base + ".elsewhere.example/plan-run", "", ""},
	} {
		s, next := &tokens{}, &recorder{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := serviceTransport{functions: base, tokens: s, next: next}.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if s.audience != c.audience || next.authorization != c.authorization {
			t.Errorf("%s: a token for %q, sent %q", c.url, s.audience, next.authorization)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the caller's request was changed")
		}
	}
}

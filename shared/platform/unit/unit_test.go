package unit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/local"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// signedIn is a deploy unit on a platform with real identities.
func signedIn(t *testing.T, bury func(context.Context, string, events.Message, error) error) (*unit, *local.Provider, *int) {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := age.Open(t.TempDir(), filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	users, err := local.Open(t.Context(), db, secret.New(keys), "test")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	return &unit{
		open: func(context.Context) (*cloud.Platform, error) {
			opened++
			if opened == 1 {
				return nil, problem.New(problem.Unavailable, "the platform is not up")
			}
			return &cloud.Platform{Platform: &platform.Platform{State: db, Identity: identity.New(users)}, Bury: bury}, nil
		},
		buckets: func() (map[string]string, error) { return nil, nil },
	}, users, &opened
}

func request(t *testing.T, h http.Handler, method, path, token string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s answers %d as %s", method, path, w.Code, w.Header().Get("Content-Type"))
	}
	return w.Code
}

// A failed opening is tried again, one that worked is kept; HTTP functions ask for
// a person's role, call functions for a service.
func TestRequests(t *testing.T) {
	u, users, opened := signedIn(t, nil)
	read := u.serve(platform.Function{Name: "read", Kind: platform.HTTP, Timeout: time.Minute, Register: func(a huma.API, _ *platform.Platform) {
		api.Handle(a, api.Op{ID: "read", Method: http.MethodGet, Path: "/v1/things", Role: identity.Viewer},
			func(context.Context, *struct{}) (*api.Body[string], error) { return api.Reply("a thing", nil) })
	}})
	var limited bool
	call := u.serve(platform.Function{Name: "call", Kind: platform.Call, Timeout: time.Minute, Call: func(*platform.Platform) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, limited = r.Context().Deadline() })
	}})
	if got := request(t, read, http.MethodGet, "/v1/things", ""); got != http.StatusServiceUnavailable {
		t.Errorf("a platform that is not up answers %d, want 503", got)
	}
	owner, _, err := users.EnsureOwner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person, err := users.Session(t.Context(), owner.Subject)
	if err != nil {
		t.Fatal(err)
	}
	service, err := users.ServiceToken(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                string
		h                   http.Handler
		method, path, token string
		want                int
	}{
		{"a person reads", read, http.MethodGet, "/v1/things", person, http.StatusOK},
		{"nobody reads", read, http.MethodGet, "/v1/things", "", http.StatusUnauthorized},
		{"a forged token", read, http.MethodGet, "/v1/things", person + "x", http.StatusUnauthorized},
		{"another address", read, http.MethodGet, "/v1/other", person, http.StatusNotFound},
		{"a service calls", call, http.MethodPost, "/", service, http.StatusOK},
		{"a service calls behind a gateway", call, http.MethodPost, "/functions/call", service, http.StatusOK},
		{"a person calls", call, http.MethodPost, "/", person, http.StatusForbidden},
		{"nobody calls", call, http.MethodPost, "/", "", http.StatusUnauthorized},
		{"a service gets", call, http.MethodGet, "/", service, http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := request(t, c.h, c.method, c.path, c.token); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	if !limited {
		t.Error("a call runs without a time limit")
	}
	if *opened != 2 {
		t.Errorf("the platform was opened %d times, want 2: one failure, one success", *opened)
	}
}

// delivered sends a message to an event function as Pub/Sub pushes it, and gives the answer.
func delivered(ctx context.Context, t *testing.T, h http.Handler, m events.Message) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"message": map[string]any{
			"attributes": map[string]string{"ce-id": m.ID, "ce-type": m.Type, "ce-source": "//b2brecs/topics/" + m.Topic, "ce-time": m.Time.Format(time.RFC3339Nano), "ce-specversion": "1.0"},
			"data":       []byte(m.Data), "messageId": "77", "orderingKey": m.Key,
		},
		"subscription": "projects/p/subscriptions/f", "deliveryAttempt": m.Attempt,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// What a delivery is answered follows from the handler's error; what failed for good
// is a dead letter with its reason, or comes again while it cannot be kept.
func TestDeliveries(t *testing.T) {
	var buried []string
	var noRoom error
	u, _, _ := signedIn(t, func(_ context.Context, function string, m events.Message, reason error) error {
		if noRoom == nil {
			buried = append(buried, function+" "+m.ID+": "+reason.Error())
		}
		return noRoom
	})
	var got events.Message
	var fails error
	deliver := u.deliver(platform.Function{Name: "f", Kind: platform.Event, Topic: "things", Timeout: time.Minute,
		Event: func(*platform.Platform) events.Handler {
			return func(ctx context.Context, m events.Message) error {
				if _, limited := ctx.Deadline(); !limited {
					t.Error("a delivery is handled without a time limit")
				}
				got = m
				return errors.Join(ctx.Err(), fails)
			}
		}})
	m := events.Message{ID: "1", Topic: "things", Type: "b2brecs.things.v1", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Key: "k", Attempt: 3, Data: []byte(`{"a":1}`)}
	ended, end := context.WithCancel(t.Context())
	end() // the sender has hung up
	if s, _ := delivered(ended, t, deliver, m); s != http.StatusServiceUnavailable {
		t.Errorf("a platform that is not up answers %d, want 503", s)
	}
	for _, c := range []struct {
		name    string
		err     error
		attempt int
		noRoom  error
		want    int
		buried  bool
	}{
		{"handled", nil, 3, nil, http.StatusNoContent, false},
		{"unavailable", problem.New(problem.Unavailable, "later"), 3, nil, http.StatusInternalServerError, false},
		{"a plain error", errors.New("something"), 3, nil, http.StatusInternalServerError, false},
		{"internal", problem.New(problem.Internal, "%s", "100% broken"), 3, nil, http.StatusInternalServerError, false},
		{"malformed payload", problem.New(problem.InvalidArgument, "no"), 3, nil, http.StatusNoContent, true},
		{"gone", problem.New(problem.NotFound, "no"), 3, nil, http.StatusNoContent, true},
		{"the last attempt", problem.New(problem.Unavailable, "still"), events.MaxAttempts, nil, http.StatusNoContent, true},
		{"no room for a dead letter", problem.New(problem.NotFound, "no"), 3, problem.New(problem.Unavailable, "full"), http.StatusBadRequest, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails, noRoom, buried = c.err, c.noRoom, nil
			m := m
			m.Attempt = c.attempt
			s, text := delivered(ended, t, deliver, m)
			if s != c.want {
				t.Errorf("%d, want %d", s, c.want)
			}
			if c.want >= 400 && !strings.Contains(text, c.err.Error()) {
				t.Errorf("the answer %q hides %q", text, c.err)
			}
			if c.buried != (len(buried) == 1) || c.buried && buried[0] != "f 1: "+c.err.Error() {
				t.Errorf("dead letters: %q", buried)
			}
			if got.Attempt != c.attempt {
				t.Errorf("attempt %d, want %d", got.Attempt, c.attempt)
			}
		})
	}
	if got.ID != m.ID || got.Topic != m.Topic || got.Key != m.Key || !bytes.Equal(got.Data, m.Data) {
		t.Errorf("the handler sees %+v, want %+v", got, m)
	}
	other := m
	other.Topic = "others"
	if s, _ := delivered(t.Context(), t, deliver, other); s != http.StatusBadRequest {
		t.Errorf("a message of another topic answers %d, want 400", s)
	}
}

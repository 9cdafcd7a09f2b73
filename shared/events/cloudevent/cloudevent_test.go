package cloudevent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	ce "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/problem"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sent lets a message travel by a real HTTP request and decodes it on the other side.
func sent(t testing.TB, req func(url string) (*http.Request, error)) (events.Message, error) {
	t.Helper()
	var got events.Message
	var failed error
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, failed = cloudevent.FromRequest(r)
	}))
	defer srv.Close()
	r, err := req(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return got, failed
}

func binary(m events.Message) func(string) (*http.Request, error) {
	return func(url string) (*http.Request, error) { return encode(binding.WithForceBinary, url, m) }
}

func structured(m events.Message) func(string) (*http.Request, error) {
	return func(url string) (*http.Request, error) { return encode(binding.WithForceStructured, url, m) }
}

func encode(mode func(context.Context) context.Context, url string, m events.Message) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	e := cloudevent.ToEvent(m)
	return r, cehttp.WriteRequest(mode(r.Context()), (*binding.EventMessage)(&e), r)
}

// pushed is the request Pub/Sub makes.
func pushed(m events.Message) func(string) (*http.Request, error) {
	return func(url string) (*http.Request, error) {
		body, err := json.Marshal(envelope(m))
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	}
}

func envelope(m events.Message) map[string]any {
	attributes, data, key := cloudevent.ToPubSub(m)
	msg := map[string]any{"attributes": attributes, "data": data, "messageId": "136969346945", "message_id": "136969346945", "publishTime": "2026-02-01T00:00:00.5Z"}
	if key != "" {
		msg["orderingKey"] = key
	}
	out := map[string]any{"message": msg, "subscription": "projects/p/subscriptions/extract-chunk"}
	if m.Attempt != 0 {
		out["deliveryAttempt"] = m.Attempt
	}
	return out
}

// TestRoundTrip: every way there and back gives the same message.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[a-z0-9/@._-]{1,30}`), rapid.StringMatching(`[!-~]([ -~]{0,8}[!-~])?`), rapid.SampledFrom([]string{"ä ö", "日本/x", `"quoted" %41`, `a\b`}))
		m := events.Message{
			ID:    text.Draw(rt, "id"),
			Topic: rapid.StringMatching(`[a-z][a-z0-9-]{2,20}`).Draw(rt, "topic"),
			Type:  rapid.StringMatching(`b2brecs(\.[a-z]{1,8}){1,3}\.v[1-9]`).Draw(rt, "type"),
			Time:  time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "s"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns")).UTC(),
			Key:   rapid.OneOf(rapid.Just(""), text).Draw(rt, "key"),
			Data:  rapid.SampledFrom([]json.RawMessage{[]byte(`{}`), []byte(`{"n":1,"s":"ä"}`), []byte(`[1, 2]`), []byte(`"x"`)}).Draw(rt, "data"),
		}
		m.Attempt = rapid.IntRange(0, 8).Draw(rt, "attempt")
		m.Traceparent = rapid.SampledFrom([]string{"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}).Draw(rt, "traceparent")
		for name, way := range map[string]func(events.Message) func(string) (*http.Request, error){"binary": binary, "structured": structured, "push": pushed} {
			got, err := sent(t, way(m))
			if err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			var a, b any // a structured event may lose the payload's spaces
			if json.Unmarshal(m.Data, &a) != nil || json.Unmarshal(got.Data, &b) != nil || !cmp.Equal(a, b) {
				rt.Fatalf("%s: payload %s became %s", name, m.Data, got.Data)
			}
			got.Data = m.Data
			if d := cmp.Diff(m, got); d != "" {
				rt.Fatalf("%s (-want +got):\n%s", name, d)
			}
		}
	})
}

// TestDeliveries decodes requests as Google's documentation shows them.
func TestDeliveries(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := readRequest(t, name)
			d := cloudevent.Decoder{Buckets: map[string]string{"acme-uploads": "uploads"}}
			m, err := d.FromRequest(r)
			got := ""
			if err != nil {
				if !problem.Is(err, problem.InvalidArgument) {
					t.Errorf("a refusal MUST be final: %v", err)
				}
				got = "error: " + problem.Of(err).Message + "\n"
			} else {
				b, err := json.MarshalIndent(m, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				got = string(b) + "\n"
			}
			golden := strings.TrimSuffix(name, ".http") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// readRequest reads a file of header lines, an empty line and a body.
func readRequest(t testing.TB, name string) *http.Request {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		t.Fatalf("%s has no empty line", name)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for line := range strings.Lines(head) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("%s: header %q", name, line)
		}
		r.Header.Set(k, v)
	}
	return r
}

func TestTooLarge(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf(`{"message":{"data":%q}}`, strings.Repeat("A", 15<<20))))
	if _, err := cloudevent.FromRequest(r); !problem.Is(err, problem.InvalidArgument) {
		t.Fatal(err)
	}
}

// FuzzFromRequest: nothing that can be delivered makes the decoder panic, accept
// an invalid message, or ask for a repetition.
func FuzzFromRequest(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.http")
	for _, name := range files {
		r := readRequest(f, name)
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			f.Fatal(err)
		}
		f.Add(r.Header.Get("Content-Type"), r.Header.Get("Ce-Type"), r.Header.Get("Ce-Source"), r.Header.Get("Ce-Attempt"), body.Bytes())
	}
	f.Fuzz(func(t *testing.T, contentType, ceType, source, attempt string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if ceType != "" {
			r.Header.Set("Ce-Specversion", ce.CloudEventsVersionV1)
			r.Header.Set("Ce-Id", "1")
			r.Header.Set("Ce-Type", ceType)
			r.Header.Set("Ce-Source", source)
			r.Header.Set("Ce-Attempt", attempt)
		}
		m, err := cloudevent.FromRequest(r)
		if err != nil {
			if problem.Retryable(err) {
				t.Fatalf("a wrong delivery would be repeated: %v", err)
			}
			return
		}
		if err := m.Validate(); err != nil || m.Attempt < 0 {
			t.Fatalf("accepted %+v: %v", m, err)
		}
	})
}

// A push of another service's message names its subscription alone; the address says
// which topic it is of.
func TestTopicOfThePushAddress(t *testing.T) {
	const body = `{"message":{"data":"e30=","messageId":"7","publishTime":"2026-01-02T03:04:05Z"},"subscription":"projects/p/subscriptions/follow-pipeline","deliveryAttempt":2}`
	for path, want := range map[string]string{
		"/projects/p/topics/pipeline-job-log":                 "pipeline-job-log",
		"/follow-pipeline/projects/p/topics/pipeline-job-log": "pipeline-job-log",
		"/":                        "follow-pipeline",
		"/projects/p/topics/a/b":   "follow-pipeline",
		"/projects/p/topics/":      "follow-pipeline",
		"/anything/pipeline-job-x": "follow-pipeline",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		m, err := cloudevent.FromRequest(r)
		if err != nil || m.Topic != want || m.ID != "7" || m.Attempt != 2 {
			t.Errorf("%s: %+v, %v; want topic %s", path, m, err, want)
		}
	}
}

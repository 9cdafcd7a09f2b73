package cloudworkflows

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow/callback"
)

// seen is a RoundTripper that keeps the Authorization headers it gets.
type seen struct{ headers []string }

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.headers = append(s.headers, r.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestTransport(t *testing.T) {
	const own = CallbackBase + "v1/projects/1/locations/r/workflows/w/executions/e/callbacks/c"
	s := &seen{}
	c := &http.Client{Transport: Transport{Token: func(context.Context) (string, error) { return "access", nil }, Next: s}}
	for url, want := range map[string]string{
		own: "Bearer access",
		"https://workflowexecutions.googleapis.com.evil.example/v1": "",
		"http://workflowexecutions.googleapis.com/v1":               "",
		"https://evil.example/" + own:                               "",
		"https://storage.googleapis.com/x":                          "",
	} {
		s.headers = nil
		if err := callback.Post(t.Context(), c, url, "x"); err != nil || len(s.headers) != 1 || s.headers[0] != want {
			t.Errorf("%s: %q, %v", url, s.headers, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, own, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer mine")
	resp, err := c.Do(r)
	if err != nil || s.headers[len(s.headers)-1] != "Bearer mine" {
		t.Errorf("%q, %v", s.headers, err)
	}
	resp.Body.Close()

	body := &closing{Reader: strings.NewReader("x")}
	if r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, own, body); err != nil {
		t.Fatal(err)
	}
	none := Transport{Token: func(context.Context) (string, error) { return "", errors.New("no credentials") }, Next: s}
	if _, err := none.RoundTrip(r); err == nil || !body.closed {
		t.Errorf("%v; body closed: %v", err, body.closed)
	}
	if err := callback.Post(t.Context(), &http.Client{Transport: none}, own, "x"); !problem.Is(err, problem.Unavailable) {
		t.Error(err)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

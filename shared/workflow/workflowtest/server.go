package workflowtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// server answers the routes of a case and remembers the calls.
type server struct {
	t *testing.T
	*httptest.Server
	world World
	reach string // its address for what runs the workflow
	mu    sync.Mutex
	count map[string]int
	calls []string
	wg    sync.WaitGroup
}

func newServer(t *testing.T, w World, routes []Route) *server {
	s := &server{t: t, world: w, count: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, routes) }))
	s.reach = w.Reach(t, s.URL)
	t.Cleanup(func() {
		s.wg.Wait()
		s.Server.Close()
	})
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, routes []Route) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	n := s.count[r.URL.Path]
	s.count[r.URL.Path]++
	line := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
	s.calls = append(s.calls, strings.ReplaceAll(line, s.reach, "$URL"))
	s.mu.Unlock()
	for _, route := range routes {
		if route.Path == r.URL.Path {
			s.reply(w, r, body, route.Replies[min(n, len(route.Replies)-1)])
			return
		}
	}
	http.NotFound(w, r)
}

func (s *server) reply(w http.ResponseWriter, r *http.Request, body []byte, reply Reply) {
	time.Sleep(time.Duration(reply.DelayMS) * time.Millisecond)
	if reply.Drop {
		panic(http.ErrAbortHandler)
	}
	for _, cb := range reply.Callback {
		if cb.Before {
			s.callBack(body, cb)
			continue
		}
		s.wg.Go(func() { s.callBack(body, cb) })
	}
	for k, v := range reply.Headers {
		w.Header().Set(k, v)
	}
	var out []byte
	if reply.Body != nil {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
		out, _ = json.Marshal(reply.Body)
	} else {
		out = []byte(strings.ReplaceAll(reply.Text, "$TOKEN", r.Header.Get("Authorization")))
	}
	if reply.Status != 0 {
		w.WriteHeader(reply.Status)
	}
	_, _ = w.Write(out)
}

// callBack makes one request to the endpoint named in the body.
func (s *server) callBack(body []byte, cb Callback) {
	var in struct {
		URL string `json:"callback_url"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.URL == "" {
		s.t.Errorf("the call %s names no callback_url", body)
		return
	}
	payload, _ := json.Marshal(cb.Body)
	if cb.Method == "" {
		cb.Method = http.MethodPost
	}
	req, err := http.NewRequest(cb.Method, in.URL, bytes.NewReader(payload))
	if err != nil {
		s.t.Errorf("callback: %v", err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if cb.Key != "" {
		req.Header.Set("Idempotency-Key", cb.Key)
	}
	resp, err := (&http.Client{Transport: s.world.Callbacks}).Do(req)
	if err != nil {
		s.t.Errorf("callback: %v", err)
		return
	}
	resp.Body.Close()
	if want := max(cb.Status, http.StatusOK); resp.StatusCode != want && (cb.Status != 0 || resp.StatusCode >= 400) {
		s.t.Errorf("callback %s %s: status %d, want %d", cb.Method, in.URL, resp.StatusCode, want)
	}
}

func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

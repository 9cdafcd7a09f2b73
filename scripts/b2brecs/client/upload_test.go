package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// server names a way and plays the store; fail says what becomes of each try.
type server struct {
	*httptest.Server
	signed bool
	fail   []func(http.ResponseWriter, *http.Request) // nil: the try succeeds

	mu    sync.Mutex
	signs int
	tries int
	got   []byte
}

func start(t *testing.T, signed bool, fail ...func(http.ResponseWriter, *http.Request)) *server {
	t.Helper()
	s := &server{signed: signed, fail: fail}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.URL.Path == "/v1/uploads:sign" {
			s.signs++
			var in struct {
				Key  string
				Size int64
			}
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Key != "in/a.csv" || in.Size != 100_000 || r.Header.Get("Authorization") != "Bearer token" {
				t.Errorf("%+v, %v", in, err)
			}
			way := map[string]any{"method": "PUT", "url": "/v1/uploads/in%2Fa.csv", "headers": map[string]string{"X-Must": "be"}, "signed": s.signed}
			if s.signed {
				way["url"] = s.URL + "/store?signature=SECRET"
			}
			_ = json.NewEncoder(w).Encode(way)
			return
		}
		s.tries++
		if want := map[bool]string{true: "", false: "Bearer token"}[s.signed]; r.Method != http.MethodPut || r.Header.Get("X-Must") != "be" || r.Header.Get("Authorization") != want || r.ContentLength != 100_000 {
			t.Errorf("%s %s: %v", r.Method, r.URL, r.Header)
		}
		if s.tries <= len(s.fail) && s.fail[s.tries-1] != nil {
			s.fail[s.tries-1](w, r)
			return
		}
		s.got, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<Code>said the store</Code>", code) }
}

// breaks hangs up after a part of the file.
func breaks(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.ReadFull(r.Body, make([]byte, 10_000))
	panic(http.ErrAbortHandler)
}

var content = bytes.Repeat([]byte("0123456789"), 10_000)

func upload(ctx context.Context, s *server, sent func(int64)) error {
	c := New(s.URL, "token")
	c.uploadWait = time.Millisecond
	return c.Upload(ctx, "in/a.csv", int64(len(content)), bytes.NewReader(content), sent)
}

// A file comes over whole, whichever way the server names and whatever breaks on it.
func TestUpload(t *testing.T) {
	for _, signed := range []bool{true, false} {
		s := start(t, signed, answer(http.StatusServiceUnavailable), breaks, answer(http.StatusTooManyRequests))
		if !signed { // what the product answers is a problem document; anything else is no more than a defect
			s.fail = []func(http.ResponseWriter, *http.Request){breaks, breaks, breaks}
		}
		var last int64
		if err := upload(t.Context(), s, func(n int64) { last = n }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.got, content) || last != int64(len(content)) || s.tries != 4 || s.signs != 4 {
			t.Errorf("signed %t: %d bytes, told %d, %d tries, %d ways", signed, len(s.got), last, s.tries, s.signs)
		}
	}
}

func TestUploadGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		fail  func(http.ResponseWriter, *http.Request)
		want  problem.Code
		tries int
	}{
		"a store that is down": {answer(http.StatusServiceUnavailable), problem.Unavailable, uploadTries},
		"a line that breaks":   {breaks, problem.Unavailable, uploadTries},
		"a store that refuses": {answer(http.StatusForbidden), problem.FailedPrecondition, 1},
	} {
		s := start(t, true)
		for range uploadTries + 1 {
			s.fail = append(s.fail, c.fail)
		}
		err := upload(t.Context(), s, nil)
		if problem.CodeOf(err) != c.want || s.tries != c.tries {
			t.Errorf("%s: %v after %d tries", name, err, s.tries)
		}
		if text := err.Error() + problem.Of(err).Cause; strings.Contains(text, "SECRET") {
			t.Errorf("%s: the error shows the address: %s", name, text)
		}
	}
	s := start(t, true, breaks, breaks, breaks, breaks, breaks)
	ctx, cancel := context.WithCancel(t.Context())
	err := upload(ctx, s, func(n int64) {
		if n > 0 {
			cancel()
		}
	})
	if err == nil || s.tries > 1 || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("a cancelled upload: %v after %d tries", err, s.tries)
	}
}

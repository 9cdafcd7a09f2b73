package api_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/api"
)

type row struct {
	Name string `json:"name"`
}

// A list is compressed for who asks for it; an event of a stream arrives while the
// stream goes on, uncompressed.
func TestCompression(t *testing.T) {
	r := chi.NewRouter()
	a := api.New(r)
	want := make([]row, 500)
	api.Handle(a, api.Op{ID: "rows", Method: http.MethodGet, Path: "/v1/rows", Anonymous: true, Summary: "Rows"},
		func(context.Context, *struct{}) (*api.ListOut[row], error) { return api.Lists(want, "", nil) })
	end := make(chan struct{})
	sse.Register(a, huma.Operation{OperationID: "stream", Method: http.MethodGet, Path: "/v1/stream"}, map[string]any{"message": row{}},
		func(_ context.Context, _ *struct{}, send sse.Sender) {
			_ = send.Data(row{"first"})
			<-end
		})
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(end) })
	get := func(path, encoding string) *http.Response {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept-Encoding", encoding)
		res, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if got := res.Header.Get("Content-Encoding"); res.StatusCode != http.StatusOK || got != encoding && path == "/v1/rows" || got != "" && path == "/v1/stream" {
			t.Fatalf("%s for who takes %q: status %d, encoding %q", path, encoding, res.StatusCode, got)
		}
		return res
	}
	packed := get("/v1/rows", "gzip")
	body, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []*json.Decoder{json.NewDecoder(body), json.NewDecoder(get("/v1/rows", "").Body)} {
		var got api.List[row]
		if err := from.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got.Items); d != "" {
			t.Error(d)
		}
	}
	first := make([]byte, 64)
	if n, err := get("/v1/stream", "gzip").Body.Read(first); n == 0 {
		t.Errorf("the first event does not arrive: %v", err)
	}
}

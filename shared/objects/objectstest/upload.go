package objectstest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// signedUpload: who holds the leave writes that object and nothing else. A driver
// without the ability says so, and what to do instead.
func signedUpload(t *testing.T, b *objects.Bucket, f *finalized) {
	up, err := b.SignedUpload(t.Context(), "in/with space ä.csv", "text/csv", 20, time.Minute)
	if refused := problem.Is(err, problem.FailedPrecondition) && problem.Of(err).Next != ""; refused == b.Signs() {
		t.Errorf("it signs is %t, and signing ends with %v", b.Signs(), err)
	} else if refused {
		return
	}
	must(t, err)
	if until := time.Until(up.Expires); until <= 0 || until > time.Minute {
		t.Errorf("it ends in %s", until)
	}
	put := func(content string, change func(http.Header)) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, up.URL, strings.NewReader(content))
		must(t, err)
		for k, v := range up.Headers {
			r.Header.Set(k, v)
		}
		change(r.Header)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, resp.Body.Close())
		return resp.StatusCode
	}
	if code := put(strings.Repeat("x", 21), func(http.Header) {}); code < 400 {
		t.Errorf("too many bytes: %d", code)
	}
	if code := put("x", func(h http.Header) { h.Set("Content-Type", "text/html") }); code < 400 {
		t.Errorf("another content type: %d", code)
	}
	if got := keys(t, b, ""); len(got) != 0 {
		t.Fatalf("refused uploads left %v", got)
	}
	if code := put("a,b\n1,2\n", func(http.Header) {}); code != http.StatusOK {
		t.Fatalf("upload: %d", code)
	}
	got, err := b.Read(t.Context(), "in/with space ä.csv")
	must(t, err)
	if !bytes.Equal(got, []byte("a,b\n1,2\n")) {
		t.Errorf("%q", got)
	}
	if v := f.wait(t, "in/with space ä.csv", 1); v[0].Size != 8 {
		t.Errorf("%+v", v)
	}
}

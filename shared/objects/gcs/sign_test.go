package gcs

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
	"github.com/b2brecs/b2brecs/shared/problem"
)

type signer struct {
	Signer
	public map[string]*rsa.PublicKey
}

// newSigner signs as the IAM Credentials API does.
func newSigner(t *testing.T) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const account = "etl-api@acme.iam.gserviceaccount.com"
	return signer{
		Signer: Signer{Account: account, Insecure: true, Sign: func(_ context.Context, payload []byte) ([]byte, error) {
			sum := sha256.Sum256(payload)
			return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}},
		public: map[string]*rsa.PublicKey{account: &key.PublicKey},
	}
}

func TestSignedUploadHolds(t *testing.T) {
	signer := newSigner(t)
	s := start(t, fake.Options{Signers: signer.public})
	b := newBucket(t, Options{Bucket: "acme-uploads", Signer: signer.Signer, Client: s.Options()})
	up, err := b.SignedUpload(t.Context(), "in/a b&ä.csv", "text/csv", 100, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*http.Request){
		"another key":       func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/acme-uploads/other", "" },
		"another bucket":    func(r *http.Request) { r.URL.RawPath = strings.Replace(r.URL.EscapedPath(), "acme", "b", 1) },
		"another method":    func(r *http.Request) { r.Method = http.MethodDelete },
		"a longer life":     func(r *http.Request) { query(r, "X-Goog-Expires", "6000") },
		"another account":   func(r *http.Request) { query(r, "X-Goog-Credential", "x"+r.URL.Query().Get("X-Goog-Credential")) },
		"no signature":      func(r *http.Request) { query(r, "X-Goog-Signature", "") },
		"fewer headers":     func(r *http.Request) { query(r, "X-Goog-SignedHeaders", "host") },
		"an unsigned extra": func(r *http.Request) { r.Header.Set("X-Goog-Meta-A", "b") },
		"a larger limit":    func(r *http.Request) { r.Header.Set("X-Goog-Content-Length-Range", "0,1000") },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, up.URL, strings.NewReader("a,b\n"))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range up.Headers {
			r.Header.Set(k, v)
		}
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if list, err := b.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func query(r *http.Request, key, value string) {
	q := r.URL.Query()
	q.Set(key, value)
	r.URL.RawQuery = q.Encode()
}

func TestSignedUploadRefusals(t *testing.T) {
	signer := newSigner(t)
	b := newBucket(t, Options{Bucket: "acme-uploads", Signer: signer.Signer, Client: start(t, fake.Options{}).Options()})
	for name, call := range map[string]func() error{
		"eight days": func() error { _, err := b.SignedUpload(t.Context(), "k", "", 1, 8*24*time.Hour); return err },
		"no time":    func() error { _, err := b.SignedUpload(t.Context(), "k", "", 1, 0); return err },
		"no size":    func() error { _, err := b.SignedUpload(t.Context(), "k", "", 0, time.Hour); return err },
		"no key":     func() error { _, err := b.SignedUpload(t.Context(), "", "", 1, time.Hour); return err },
	} {
		if err := call(); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := newBucket(t, Options{Bucket: "acme-uploads"})
	if _, err := none.SignedUpload(t.Context(), "k", "", 1, time.Hour); !problem.Is(err, problem.FailedPrecondition) {
		t.Error(err)
	}
	failing := newBucket(t, Options{Bucket: "acme-uploads", Client: start(t, fake.Options{}).Options(), Signer: Signer{Account: "a@b",
		Sign: func(context.Context, []byte) ([]byte, error) {
			return nil, problem.New(problem.PermissionDenied, "signBlob is not allowed")
		}}})
	if _, err := failing.SignedUpload(t.Context(), "k", "", 1, time.Hour); !problem.Is(err, problem.PermissionDenied) {
		t.Error(err)
	}
	up, err := b.SignedUpload(t.Context(), "k", "", 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(up.URL); err != nil || u.Query().Get("X-Goog-Expires") != "3600" && u.Query().Get("X-Goog-Expires") != "3599" || up.Headers["Content-Type"] == "" {
		t.Errorf("%v: %+v", err, up)
	}
}

package client

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// uploadTries bounds how often a file is sent; waits between them double from uploadWait.
const (
	uploadTries = 5
	uploadWait  = time.Second
)

// way is how the server wants a file: see UploadWay of functions/etlapi.
type way struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Signed  bool              `json:"signed"`
}

// Upload brings a file of size bytes into the uploads bucket, by the way the server
// names: through it, or straight into its store. What may pass (a broken connection, a
// service that is not available) is tried again, from the start of the file. sent hears
// how far the present try is; nil is nobody.
func (c *Client) Upload(ctx context.Context, key string, size int64, data io.ReaderAt, sent func(int64)) error {
	wait := c.uploadWait
	if wait == 0 {
		wait = uploadWait
	}
	for try := 1; ; try++ {
		err := c.upload(ctx, key, size, data, sent)
		if code := problem.CodeOf(err); err == nil || try == uploadTries || ctx.Err() != nil ||
			code != problem.Unavailable && code != problem.ResourceExhausted {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait *= 2
	}
}

// upload makes one try; each asks for the way anew, since a signed one ends.
func (c *Client) upload(ctx context.Context, key string, size int64, data io.ReaderAt, sent func(int64)) error {
	w, err := Post[way](ctx, c, "/v1/uploads:sign", map[string]any{"key": key, "size": size}, "")
	if err != nil {
		return err
	}
	target := w.URL
	if !w.Signed {
		target = c.URL + w.URL
	}
	r, err := http.NewRequestWithContext(ctx, w.Method, target, &counted{io.NewSectionReader(data, 0, size), 0, sent})
	if err != nil {
		return problem.New(problem.Internal, "the server names no address for %q", key) // err shows it, and it is a credential
	}
	r.ContentLength = size
	for k, v := range w.Headers {
		r.Header.Set(k, v)
	}
	if !w.Signed {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // without the address
		}
		return problem.Wrap(err, problem.Unavailable, "the upload of %q broke off", key)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < 300:
		return nil
	case !w.Signed:
		return problemOf(resp)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout:
		return problem.New(problem.Unavailable, "the store answered %s to the upload of %q", resp.Status, key)
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // what came of it is enough
	return problem.New(problem.FailedPrecondition, "the store does not take %q: %s", key, resp.Status).WithCause("%s", text)
}

// counted tells how far it has been read.
type counted struct {
	io.Reader
	n    int64
	sent func(int64)
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.n += int64(n); r.sent != nil {
		r.sent(r.n)
	}
	return n, err
}

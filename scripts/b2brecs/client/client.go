// Package client speaks the product's HTTP API for the command line.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Client calls one server as one caller.
type Client struct {
	URL   string
	Token string
	HTTP  *http.Client

	uploadWait time.Duration // before the second try of an upload; 0 is the constant
}

// New makes a client.
func New(url, token string) *Client {
	return &Client{URL: strings.TrimSuffix(url, "/"), Token: token, HTTP: &http.Client{}}
}

// Healthy reports whether the server answers.
func (c *Client) Healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

// Get reads a resource.
func Get[T any](ctx context.Context, c *Client, path string, args ...any) (T, error) {
	return Do[T](ctx, c, http.MethodGet, fmt.Sprintf(path, args...), nil, "")
}

// Post sends a body. key, unless empty, makes the request idempotent.
func Post[T any](ctx context.Context, c *Client, path string, body any, key string) (T, error) {
	return Do[T](ctx, c, http.MethodPost, path, body, key)
}

// Do makes one request with a JSON body and a JSON reply.
func Do[T any](ctx context.Context, c *Client, method, path string, body any, key string) (T, error) {
	var out T
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return out, err
		}
		reader = bytes.NewReader(b)
	}
	r, err := c.request(ctx, method, path, reader)
	if err != nil {
		return out, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return out, problem.Wrap(err, problem.Unavailable, "%s does not answer", c.URL)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return out, problemOf(resp)
	}
	if resp.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && err != io.EOF {
		return out, problem.Wrap(err, problem.Internal, "the reply of %s %s cannot be read", method, path)
	}
	return out, nil
}

// Follow calls fn at once and whenever a document of the collections changes,
// until fn is done, fails, or ctx ends. It reconnects when the stream breaks.
func (c *Client) Follow(ctx context.Context, collections []string, fn func() (done bool, err error)) error {
	for {
		done, err := c.follow(ctx, collections, fn)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (c *Client) follow(ctx context.Context, collections []string, fn func() (bool, error)) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.request(ctx, http.MethodGet, "/v1/watch?collections="+url.QueryEscape(strings.Join(collections, ",")), nil)
	if err != nil {
		return false, err
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return false, nil // the server restarts: try again
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return false, problemOf(resp)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		// Every event but a ping is a reason to look; what changed is read afresh.
		if e, ok := strings.CutPrefix(lines.Text(), "event: "); ok && e != "ping" {
			if done, err := fn(); done || err != nil {
				return done, err
			}
		}
	}
	return false, ctx.Err()
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

func problemOf(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var d api.Document
	if err != nil || json.Unmarshal(body, &d) != nil || d.Code == "" {
		return problem.New(problem.Internal, "%s %s answered %s", resp.Request.Method, resp.Request.URL.Path, resp.Status)
	}
	p := problem.New(d.Code, "%s", d.Detail)
	p.Cause, p.Next, p.Turn, p.Step, p.Fields = d.Cause, d.Next, d.Turn, d.Step, d.Errors
	return p
}

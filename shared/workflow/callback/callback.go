// Package callback tells a waiting workflow what it waits for.
//
// It promises that a repeated call does no harm and that a workflow which no
// longer waits is no error.
package callback

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Post sends a body as JSON to a callback address. An answer that the execution is
// gone or has ended counts as delivered; anything else that is not a success is
// Unavailable. c adds the caller's token.
func Post(ctx context.Context, c *http.Client, url string, body any) error {
	if url == "" {
		return problem.New(problem.Internal, "there is no callback address")
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the callback cannot be made")
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the callback's answer cannot be read")
	}
	switch {
	case resp.StatusCode < 300, resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone, resp.StatusCode == http.StatusConflict:
		return nil
	}
	return problem.New(problem.Unavailable, "the callback answered %s", resp.Status)
}

package extractchunk

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// planAnew asks plan-run for the epoch after the chunk's. When that cannot be planned,
// the run fails. The chunk keeps that it asked: plan-run may have planned and not
// published when its reply is lost, and publishes when it is asked again.
func (s Services) planAnew(ctx context.Context, run etl.Run, chunk etl.Chunk) error {
	_, err := s.ETL.Chunks.Update(ctx, chunk.ID, func(c *etl.Chunk) error { c.SnapshotLost = true; return nil })
	if problem.Is(err, problem.NotFound) { // the run has ended, and its chunks are folded
		return nil
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"run": run.ID, "callback_url": run.CallbackURL, "epoch": chunk.Epoch})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.FunctionsURL+"/plan-run", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "plan-run cannot be reached")
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return problem.New(problem.Unavailable, "plan-run answered %s", resp.Status)
	case resp.StatusCode < 300:
		return nil
	}
	var doc struct {
		Detail, Cause, Next string
		Code                problem.Code
		Turn                problem.Turn
	}
	why := problem.New(problem.FailedPrecondition, "the table cannot be read again after its snapshot was lost").WithStep("plan-run")
	if json.Unmarshal(answer, &doc) == nil && doc.Detail != "" {
		why = &problem.Error{Code: doc.Code, Message: doc.Detail, Cause: doc.Cause, Next: doc.Next, Turn: doc.Turn, Step: "plan-run"}
	}
	return s.end(ctx, run, chunk, etl.ChunkFailed, why)
}

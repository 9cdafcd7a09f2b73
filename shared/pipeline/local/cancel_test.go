package local_test

import (
	"fmt"
	"testing"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
)

func TestCancelAtAnyMoment(t *testing.T) {
	for _, warm := range []bool{true, false} {
		m := start(t, t.TempDir(), func(o *local.Options) { o.Warm = warm })
		rec := pipelinetest.Record(t, m.bus, "any")
		for i := range 30 {
			id := fmt.Sprintf("job-%d", i)
			submit(t, m, id, t.TempDir(), map[string]pipelinetest.Behave{"examples": {Sleep: 600}})
			if i%3 == 1 {
				rec.Reached(t, id, "", pipeline.Running)
			}
			if i%3 == 2 {
				rec.Reached(t, id, "examples", pipeline.Running)
			}
			if err := m.runner.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			es := rec.Ended(t, id)
			if last := es[len(es)-1]; last.State != pipeline.Cancelled || last.Task != "" {
				t.Errorf("job %d ended with %+v", i, last)
			}
		}
	}
}

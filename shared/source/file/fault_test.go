package file

import (
	"testing"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/fault"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

// A bucket that does not answer says nothing of its files: a plan without them would
// load what is left and call it done.
func TestSilentBucketIsNoFileProblem(t *testing.T) {
	calm := bucket(t)
	put(t, calm, "a.csv", []byte("id,qty\nx,1\n"))
	o := etl.FileOptions{Pattern: "*.csv"}
	files, err := Match(t.Context(), calm, o)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, method := range []string{"objects.Generation", "objects.Bucket.NewRangeReader"} {
		b := fault.Bucket(calm, fault.New(1, fault.Rates{fault.Error: 1}, method))
		plan, err := New(b).Plan(t.Context(), source.PlanRequest{Object: source.Object{Files: &o}, Files: files})
		if !problem.Is(err, problem.Unavailable) || len(plan.FileProblems) != 0 {
			t.Errorf("%s: %v, file problems %v", method, err, plan.FileProblems)
		}
	}
}

package bigquery_test

import (
	"testing"

	"github.com/b2brecs/b2brecs/shared/fault"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// A commit whose caller hears nothing, or that is made twice, is repeated by whoever
// hears of no success: its rows are there once. TestCommitLostReplies is about the
// replies that the driver itself waits for.
func TestCommitRepeatedByItsCaller(t *testing.T) {
	d := connect(t, serve(t, fake.Options{Engine: needEmulator(t)}))
	for _, k := range []fault.Kind{fault.Lost, fault.Duplicate} {
		t.Run(string(k), func(t *testing.T) {
			c := sales(t, d)
			c.Mode, c.Keys = warehouse.Append, nil // which would show a row that comes twice
			f := fault.New(1, fault.Rates{k: 1}, "warehouse.Commit")
			r, err := fault.Warehouse(d, f).Commit(t.Context(), c)
			if f.Count(k) != 1 {
				t.Fatalf("%d faults", f.Count(k))
			}
			if k == fault.Lost {
				if !problem.Is(err, problem.Unavailable) {
					t.Fatalf("the reply is not lost: %+v, %v", r, err)
				}
				r, err = d.Commit(t.Context(), c)
			}
			if err != nil || !r.Repeated || r.Inserted != 2 {
				t.Errorf("%+v, %v", r, err)
			}
			once(t, d, c)
		})
	}
}

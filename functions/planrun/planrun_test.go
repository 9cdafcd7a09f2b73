package planrun_test

import (
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/functions/planrun"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// A run whose snapshot is lost again and again is not planned for ever.
func TestLostTooOften(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := etl.NewStore(state.New(drv))
	t.Cleanup(func() { _ = s.DB.Close() })
	if err := s.Jobs.Put(t.Context(), "j", etl.Job{ID: "j", Table: "sales"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Runs.Put(t.Context(), "r", etl.Run{ID: "r", Job: "j", Status: etl.Running, Epoch: 10}); err != nil {
		t.Fatal(err)
	}
	_, err = planrun.Handle(t.Context(), planrun.Services{ETL: s}, planrun.Request{Run: "r", Epoch: 10})
	if p := problem.Of(err); p == nil || p.Code != problem.FailedPrecondition || p.Step != "plan-run" || p.Next == "" {
		t.Errorf("%v", err)
	}
}

package planrun

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// One file of more than a page of them is missed too.
func TestDisappearedOfMany(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := Services{ETL: etl.NewStore(state.New(drv))}
	t.Cleanup(func() { _ = s.ETL.DB.Close() })
	const loaded = 1001
	err = s.ETL.DB.Transact(t.Context(), func(tx *state.Tx) error {
		for n := range loaded {
			key := strconv.Itoa(n)
			if err := state.Put(tx, s.ETL.Files, etl.FileID("j", key), etl.ProcessedFile{File: etl.File{Key: key}, Job: "j"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for present, want := range map[int]bool{loaded: false, loaded - 1: true, 0: true} {
		if gone, err := s.disappeared(t.Context(), etl.Job{ID: "j", Files: &etl.FileOptions{}}, present); err != nil || gone != want {
			t.Errorf("%d of %d files are there: %t, %v", present, loaded, gone, err)
		}
	}
}

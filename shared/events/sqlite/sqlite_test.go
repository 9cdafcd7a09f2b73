package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/eventstest"
	"github.com/b2brecs/b2brecs/shared/events/sqlite"
)

func open(t testing.TB, path string) *events.Bus {
	t.Helper()
	drv, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return events.New(drv)
}

func TestConformance(t *testing.T) {
	eventstest.Run(t, func(t *testing.T) *events.Bus { return open(t, filepath.Join(t.TempDir(), "events.db")) })
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	eventstest.Restart(t, func(t *testing.T, name string) *events.Bus { return open(t, filepath.Join(dir, name+".db")) })
}

func TestCrash(t *testing.T) {
	eventstest.Crash(t, func(dir string) (*events.Bus, error) {
		drv, err := sqlite.Open(filepath.Join(dir, "events.db"))
		if err != nil {
			return nil, err
		}
		return events.New(drv), nil
	})
}

package local

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// progressFile is what the trainer replaces after every epoch.
const progressFile = "progress.json"

// watch reports the progress file of a run folder whenever it is replaced, until
// the returned func is called. A process of its own has no other way to tell.
// Progress is advice: without a watch there is none.
func watch(dir string, report func(map[string]float64)) func() {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return func() {}
	}
	path := filepath.Join(dir, progressFile)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range w.Events {
			if e.Name != path || !e.Has(fsnotify.Create|fsnotify.Write) {
				continue
			}
			var values map[string]any
			if b, err := os.ReadFile(path); err == nil && json.Unmarshal(b, &values) == nil {
				report(numbers(values))
			}
		}
	}()
	_ = w.Add(dir)
	return func() {
		_ = w.Close()
		<-done
	}
}

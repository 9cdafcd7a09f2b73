package sqlitefile

import "log/slog"

const (
	// checkpointAfter statements the log is folded into the file; about the 4 MB
	// after which SQLite would do it itself.
	checkpointAfter = 2000
	// maxLogPages bounds the log under constant writing: 64 MB of 4 KiB pages.
	maxLogPages = 16384
)

// checkpoints folds the log into the file beside the writes. SQLite would do it
// inside a commit, and that commit would wait for the disk: half a second was
// seen on a busy one.
func (f *File) checkpoints() {
	defer close(f.folded)
	for {
		select {
		case <-f.closed:
			return
		case <-f.full:
		}
		var busy, pages, folded int
		err := f.read.QueryRow("PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &folded)
		if err == nil && pages > maxLogPages {
			// Writers kept ahead of us: this once they wait, and the log starts anew.
			select {
			case <-f.closed:
				return
			case <-f.writer:
			}
			_, err = f.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
			f.writer <- struct{}{}
		}
		if err != nil {
			slog.Warn("the log of a SQLite file was not folded in; it is tried again", "file", f.path, "error", err)
		}
	}
}

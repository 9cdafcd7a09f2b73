package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// maxLog is the size at which a log file is put aside; one former file is
	// kept, so a task's lines take at most twice as much.
	maxLog = 8 << 20
	// maxTail bounds what Logs reads.
	maxTail = 1 << 20
)

// taskLog appends timed lines to a file. It is safe for concurrent use.
type taskLog struct {
	mu   sync.Mutex
	path string
	f    *os.File
	size int64
}

func openLog(path string) (*taskLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the folder of a task's log cannot be made")
	}
	l := &taskLog{path: path}
	return l, problem.Wrap(l.open(), problem.Unavailable, "a task's log cannot be written")
}

func (l *taskLog) open() error {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	l.f, l.size = f, info.Size()
	return nil
}

// line appends text; several lines get the same time. A failed write is lost:
// a log MUST NOT stop a task.
func (l *taskLog) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil && l.open() != nil {
		return
	}
	if l.size > maxLog {
		_ = l.f.Close()
		_ = os.Rename(l.path, l.path+".1")
		if l.f = nil; l.open() != nil {
			return
		}
	}
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	for part := range strings.Lines(strings.TrimRight(text, "\n")) {
		n, _ := fmt.Fprintf(l.f, "%s %s\n", at, strings.TrimRight(part, "\r\n"))
		l.size += int64(n)
	}
}

// close releases the file. A line that comes later, since standard error has a
// pipe of its own, opens it again.
func (l *taskLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		_ = l.f.Close()
	}
	l.f = nil
}

// tail gives the last lines of a log, oldest first; none when it does not exist.
func tail(path string, lines int) ([]string, error) {
	text, err := end(path)
	if err != nil {
		return nil, err
	}
	if bytes.Count(text, []byte("\n")) < lines {
		before, err := end(path + ".1")
		if err != nil {
			return nil, err
		}
		text = append(before, text...)
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(all) == 1 && all[0] == "" {
		return []string{}, nil
	}
	return all[max(0, len(all)-max(0, lines)):], nil
}

// end reads up to maxTail bytes from a file's end, from the start of a line.
func end(path string) ([]byte, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "a task's log cannot be read")
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "a task's log cannot be read")
	}
	from := max(0, size-maxTail)
	b, err := io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "a task's log cannot be read")
	}
	if from > 0 {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	return b, nil
}

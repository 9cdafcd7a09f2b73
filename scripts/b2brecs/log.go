package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// quietLog sends the log of a command that runs the platform for itself into the
// data folder, so that the terminal shows results alone.
func quietLog(dir string) *slog.Logger {
	f, err := os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return slog.New(slog.DiscardHandler)
	}
	log := slog.New(telemetry.Handler(slog.NewTextHandler(f, nil), ""))
	slog.SetDefault(log)
	return log
}

// openLog is the log of a server, on standard error.
func openLog() *slog.Logger {
	log := slog.New(telemetry.Handler(slog.NewTextHandler(os.Stderr, nil), ""))
	slog.SetDefault(log)
	return log
}

// startFailure finds why a detached server ended: it printed its error as JSON.
func startFailure(logName string, from int64) error {
	unknown := problem.New(problem.Internal, "the server ended before it answered").WithNext(problem.TurnYou, "Look into %s.", logName)
	f, err := os.Open(logName)
	if err != nil {
		return unknown
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return unknown
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return unknown
	}
	var said struct {
		Error *problem.Error `json:"error"`
	}
	if i := strings.LastIndex(string(text), "{\n  \"error\""); i >= 0 && json.Unmarshal(text[i:], &said) == nil && said.Error != nil {
		return said.Error
	}
	return unknown
}

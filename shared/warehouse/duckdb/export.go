package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// rowGroup is DuckDB's own row group: 60 vectors of 2,048 rows.
const rowGroup = 122880

// Export writes one Parquet object. It is written beside the warehouse file and
// moved into place as a whole folder, so no reader meets half a file; between
// the removal of the earlier folder and the move there is a moment without one.
func (d *Driver) Export(ctx context.Context, s warehouse.Statement, prefix string) ([]string, int64, error) {
	what := "the export to " + prefix
	text, args := bind(s)
	cols, types, err := describe(ctx, d.db, text, args)
	if err != nil {
		return nil, 0, engineProblem(ctx, err, what)
	}
	target := filepath.Clean(strings.TrimPrefix(prefix, "file://"))
	if !filepath.IsAbs(target) {
		return nil, 0, problem.New(problem.InvalidArgument, "%s needs an absolute path", what)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return nil, 0, fileProblem(err, what)
	}
	scratch := d.scratch
	if scratch == "" {
		scratch = filepath.Dir(target)
	}
	rows, err := d.exportVia(ctx, scratch, target, canonical(text, cols, types), args)
	if errors.Is(err, syscall.EXDEV) && d.scratch != "" {
		// The warehouse lies on another file system: write beside the target.
		rows, err = d.exportVia(ctx, filepath.Dir(target), target, canonical(text, cols, types), args)
	}
	if err != nil {
		return nil, 0, err
	}
	return []string{prefix + partName}, rows, nil
}

const partName = "part-00000.parquet"

func (d *Driver) exportVia(ctx context.Context, scratch, target, text string, args []any) (int64, error) {
	what := "the export to " + target
	dir := filepath.Join(scratch, ".export-"+state.NewID())
	if err := os.MkdirAll(filepath.Join(dir, "new"), 0o755); err != nil {
		return 0, fileProblem(err, what)
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "new", partName)
	copyTo := fmt.Sprintf("COPY (\n%s\n) TO '%s' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d)", text, strings.ReplaceAll(part, "'", "''"), rowGroup)
	res, err := d.db.ExecContext(ctx, copyTo, args...)
	if err != nil {
		return 0, engineProblem(ctx, err, what)
	}
	rows, err := res.RowsAffected()
	if err != nil {
		return 0, engineProblem(ctx, err, what)
	}
	if err := syncFile(part); err != nil {
		return 0, fileProblem(err, what)
	}
	if err := os.Rename(target, filepath.Join(dir, "old")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fileProblem(err, what)
	}
	return rows, fileProblem(os.Rename(filepath.Join(dir, "new"), target), what)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func fileProblem(err error, what string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return problem.New(problem.ResourceExhausted, "%s stopped: the disk is full", what).
			WithNext(problem.TurnYou, "Free disk space, then try again.")
	}
	return problem.Wrap(err, problem.Unavailable, "%s stopped", what)
}

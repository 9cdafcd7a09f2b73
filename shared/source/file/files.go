package file

import (
	"bytes"
	"context"
	"path"
	"sort"
	"strings"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Formats of files.
const (
	formatCSV     = "csv"
	formatParquet = "parquet"
)

// Match lists the files of a pattern: everything under the prefix whose base name
// fits the glob (*, ?, character sets). Newest first. Names ending in "/" are folders.
func Match(ctx context.Context, b *objects.Bucket, o etl.FileOptions) ([]etl.File, error) {
	if _, err := path.Match(o.Pattern, ""); err != nil {
		return nil, problem.New(problem.InvalidArgument, "file pattern %q is malformed", o.Pattern).
			WithNext(problem.TurnYou, "Use *, ? and [sets] on the file's base name.")
	}
	list, err := b.List(ctx, o.Prefix)
	if err != nil {
		return nil, err
	}
	var out []etl.File
	for _, x := range list {
		if x.IsDir || strings.HasSuffix(x.Key, "/") || !Matches(o, x.Key) {
			continue
		}
		gen, err := b.Generation(ctx, x.Key)
		if problem.Is(err, problem.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, etl.File{Key: x.Key, Generation: gen, Size: x.Size, ModifiedAt: x.ModTime.UTC()})
	}
	sort.SliceStable(out, func(i, j int) bool {
		if !out[i].ModifiedAt.Equal(out[j].ModifiedAt) {
			return out[i].ModifiedAt.After(out[j].ModifiedAt)
		}
		return out[i].Key > out[j].Key
	})
	return out, nil
}

// Matches reports whether a key belongs to a job's pattern. A job with an empty
// prefix takes files of the bucket's root only.
func Matches(o etl.FileOptions, key string) bool {
	rest, ok := strings.CutPrefix(key, o.Prefix)
	if !ok || rest == "" || o.Prefix == "" && strings.Contains(rest, "/") {
		return false
	}
	if o.Pattern == "" {
		return true
	}
	ok, err := path.Match(o.Pattern, path.Base(key))
	return err == nil && ok
}

// formatOfFile gives the format the options name, else the one the content shows.
func formatOfFile(ctx context.Context, b *objects.Bucket, f etl.File, o etl.FileOptions) (string, error) {
	switch o.Format {
	case formatCSV, formatParquet:
		return o.Format, nil
	case "":
	default:
		return "", problem.New(problem.InvalidArgument, "file format %q is not known", o.Format).
			WithNext(problem.TurnYou, "Use csv or parquet, or leave it empty to let the content decide.")
	}
	if f.Size == 0 {
		return "", emptyFile(f.Key)
	}
	head, _, err := readPart(ctx, b, f.Key, dialect{}, 0, 4)
	if err != nil {
		return "", err
	}
	if bytes.Equal(head, []byte("PAR1")) {
		return formatParquet, nil
	}
	return formatCSV, nil
}

package file

import (
	"context"
	"fmt"
	"slices"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// describeFiles is how many of the matching files a description looks at.
const describeFiles = 3

// maxTested bounds the objects a connection test lists.
const maxTested = 100

// Uploads is the kind of the built-in connection to the uploads bucket.
func Uploads(b *objects.Bucket) *source.Kind {
	return &source.Kind{
		Name: etl.UploadsConnection, Title: "Uploaded files", Category: "storage", BuiltIn: true,
		Help:         "CSV and Parquet files that people drop into the uploads bucket.",
		Fields:       []source.Field{},
		Capabilities: source.Capabilities{Files: true},
		Open: func(context.Context, source.Config) (source.Source, error) {
			return &Source{b}, nil
		},
	}
}

// Source reads the files of one bucket.
type Source struct{ bucket *objects.Bucket }

// New makes a source on a bucket.
func New(b *objects.Bucket) *Source { return &Source{b} }

// Close implements source.Source; the bucket is its owner's.
func (s *Source) Close() error { return nil }

// Test implements source.Source.
func (s *Source) Test(ctx context.Context) ([]source.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, source.TestTimeout)
	defer cancel()
	t, err := s.Tables(ctx, "")
	return t[:min(len(t), maxTested)], err
}

// Tables implements source.Source: every file, newest first; schema is a prefix.
func (s *Source) Tables(ctx context.Context, schema string) ([]source.Table, error) {
	list, err := s.bucket.List(ctx, schema)
	if err != nil {
		return nil, err
	}
	out := make([]source.Table, 0, len(list))
	for _, o := range list {
		if !o.IsDir {
			out = append(out, source.Table{Name: o.Key, Kind: "file", Rows: -1, Bytes: o.Size, Modified: o.ModTime.UTC()})
		}
	}
	slices.SortStableFunc(out, func(a, b source.Table) int { return b.Modified.Compare(a.Modified) })
	return out, nil
}

// Describe implements source.Source. It looks at the newest matching files and
// joins what they hold: types widen where files differ.
func (s *Source) Describe(ctx context.Context, o source.Object) (source.Description, error) {
	if o.Files == nil {
		return source.Description{}, problem.New(problem.InvalidArgument, "a file source needs a prefix and a pattern")
	}
	files, err := Match(ctx, s.bucket, *o.Files)
	if err != nil {
		return source.Description{}, err
	}
	if len(files) == 0 {
		return source.Description{}, problem.New(problem.NotFound, "no file matches %q under %q", o.Files.Pattern, o.Files.Prefix).
			WithNext(problem.TurnYou, "Upload a file, or correct the prefix and pattern.")
	}
	return s.DescribeFiles(ctx, files[:min(len(files), describeFiles)], *o.Files)
}

// DescribeFiles describes given files together. Files that cannot be read are
// left out with a warning, unless none can.
func (s *Source) DescribeFiles(ctx context.Context, files []etl.File, o etl.FileOptions) (source.Description, error) {
	var out source.Description
	var first error
	read := 0
	for _, f := range files {
		d, err := s.describe(ctx, f, o)
		if err != nil {
			if !refusal(err) {
				return out, err
			}
			if first == nil {
				first = err
			}
			out.Warnings = append(out.Warnings, fmt.Sprintf("%s: %s", f.Key, err.Error()))
			continue
		}
		if read++; read == 1 {
			d.Warnings = append(out.Warnings, d.Warnings...)
			out = d
			continue
		}
		out.Columns = union(out.Columns, d.Columns)
		out.Warnings = append(out.Warnings, d.Warnings...)
		out.Rows += d.Rows
	}
	if read == 0 {
		return source.Description{}, first
	}
	for _, c := range out.Columns {
		if c.Type == warehouse.Timestamp || c.Type == warehouse.Date || c.Type == warehouse.DateTime {
			out.Timestamps = append(out.Timestamps, c.Source)
		}
	}
	return out, nil
}

// refusal reports whether an error is about the file, not about reaching it.
func refusal(err error) bool {
	return problem.Is(err, problem.InvalidArgument) || problem.Is(err, problem.NotFound) || problem.Is(err, problem.FailedPrecondition)
}

func (s *Source) describe(ctx context.Context, f etl.File, o etl.FileOptions) (source.Description, error) {
	format, err := formatOfFile(ctx, s.bucket, f, o)
	if err != nil {
		return source.Description{}, err
	}
	if format == formatParquet {
		return s.describeParquet(ctx, f)
	}
	sm, err := sniffCSV(ctx, s.bucket, f, o)
	if err != nil {
		return source.Description{}, err
	}
	d := source.Description{Columns: sm.columns(), Rows: -1, Format: formatCSV, Delimiter: sm.Delimiter, Encoding: sm.Encoding, Header: sm.Header}
	d.Warnings = sm.warnings
	return d, nil
}

// union adds the columns of a further file and widens types where they differ.
func union(a, b []etl.Column) []etl.Column {
	for _, c := range b {
		i := slices.IndexFunc(a, func(x etl.Column) bool { return x.Source == c.Source })
		if i < 0 {
			a = append(a, c)
			continue
		}
		switch {
		case a[i].Type == c.Type || c.Note == "no value in the sample":
		case a[i].Note == "no value in the sample":
			a[i] = c
		case pair(a[i], c, warehouse.Int64, warehouse.Float64):
			a[i].Type = warehouse.Float64
		case pair(a[i], c, warehouse.Date, warehouse.Timestamp):
			a[i].Type = warehouse.Timestamp
		default:
			a[i].Note = fmt.Sprintf("%s in one file, %s in another: kept as text", a[i].Type, c.Type)
			a[i].Type, a[i].Confidence = warehouse.String, "medium"
		}
	}
	names := make([]string, len(a))
	for i, c := range a {
		names[i] = c.Source
	}
	for i, n := range etl.Names(names) {
		a[i].Name = n
	}
	return a
}

func pair(a, b etl.Column, x, y warehouse.Type) bool {
	return a.Type == x && b.Type == y || a.Type == y && b.Type == x
}

// bind finds each column in a file's header: by its exact name, else by the
// warehouse name the header gives. -1 marks a column the file lacks.
func bind(columns []etl.Column, header []string) (at []int, lacking, extra []string) {
	at = make([]int, len(columns))
	used := make([]bool, len(header))
	names := etl.Names(header)
	find := func(i int, ok func(j int) bool) bool {
		for j := range header {
			if !used[j] && ok(j) {
				at[i], used[j] = j, true
				return true
			}
		}
		return false
	}
	for i := range at {
		at[i] = -1
	}
	for i, c := range columns {
		find(i, func(j int) bool { return header[j] == c.Source && names[j] == c.Name })
	}
	for i, c := range columns {
		if at[i] < 0 {
			find(i, func(j int) bool { return header[j] == c.Source })
		}
	}
	for i, c := range columns {
		if at[i] < 0 && !find(i, func(j int) bool { return names[j] == c.Name }) {
			lacking = append(lacking, c.Source)
		}
	}
	for j, u := range used {
		if !u {
			extra = append(extra, header[j])
		}
	}
	return at, lacking, extra
}

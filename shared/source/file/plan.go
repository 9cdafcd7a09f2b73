package file

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

const (
	// defaultChunkBytes of a CSV chunk: about half a million rows.
	defaultChunkBytes = 64 << 20
	// defaultChunkRows of a Parquet chunk, in whole row groups.
	defaultChunkRows = 500_000
	maxChunks        = 1000
)

// spec is a chunk: a byte range of a CSV file or row groups of a Parquet file.
type spec struct {
	Key         string   `json:"key"`
	Generation  string   `json:"generation"`
	Format      string   `json:"format"`
	Dialect     *dialect `json:"dialect,omitempty"`
	Offset      int64    `json:"offset"`
	Length      int64    `json:"length"` // -1: to the end
	Line        int64    `json:"line"`
	Formats     []string `json:"formats,omitempty"` // of the request's columns
	RowGroups   []int    `json:"row_groups,omitempty"`
	FileColumns bool     `json:"file_columns,omitempty"`
}

func (sp spec) chunk(label string) source.Chunk {
	b, _ := json.Marshal(sp) // strings and numbers only: cannot fail
	m := map[string]any{}
	_ = json.Unmarshal(b, &m)
	return source.Chunk{Spec: m, Label: label}
}

func specOf(m map[string]any) (sp spec, err error) {
	b, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(b, &sp)
	}
	return sp, problem.Wrap(err, problem.Internal, "a chunk's spec cannot be read")
}

// Plan implements source.Source. A file that is not readable is named in
// FileProblems; the others are planned.
func (s *Source) Plan(ctx context.Context, r source.PlanRequest) (source.Plan, error) {
	p := source.Plan{FileProblems: map[string]error{}}
	var o etl.FileOptions
	if r.Object.Files != nil {
		o = *r.Object.Files
	}
	if r.ChunkBytes == 0 {
		r.ChunkBytes = defaultChunkBytes
	}
	if r.ChunkRows == 0 {
		r.ChunkRows = defaultChunkRows
	}
	var total int64
	for _, f := range r.Files {
		total += f.Size
	}
	r.ChunkBytes = max(r.ChunkBytes, total/maxChunks+1)
	for _, f := range r.Files {
		if err := s.planFile(ctx, &p, f, o, r); err != nil {
			if !refusal(err) {
				return p, err
			}
			p.FileProblems[f.Key] = err
		}
	}
	return p, nil
}

func (s *Source) planFile(ctx context.Context, p *source.Plan, f etl.File, o etl.FileOptions, r source.PlanRequest) error {
	format, err := formatOfFile(ctx, s.bucket, f, o)
	if err != nil {
		return err
	}
	var chunks []source.Chunk
	var rows int64
	var warnings []string
	if format == formatParquet {
		chunks, rows, warnings, err = s.planParquet(ctx, f, r)
	} else {
		chunks, rows, warnings, err = s.planCSV(ctx, f, o, r)
	}
	if err != nil {
		return err
	}
	if err := s.unchanged(ctx, f.Key, f.Generation); err != nil {
		return err
	}
	p.Chunks = append(p.Chunks, chunks...)
	p.Warnings = append(p.Warnings, warnings...)
	p.Estimate += rows
	return nil
}

func changed(key string) error {
	return problem.New(problem.FailedPrecondition, "file %q was replaced while it was being read", key).
		WithNext(problem.TurnPlatform, "The run of the new file loads it.")
}

func (s *Source) planCSV(ctx context.Context, f etl.File, o etl.FileOptions, r source.PlanRequest) ([]source.Chunk, int64, []string, error) {
	sm, err := sniffCSV(ctx, s.bucket, f, o)
	if err != nil {
		return nil, 0, nil, err
	}
	at, lacking, extra := bind(r.Columns, sm.Names)
	if len(lacking) == len(r.Columns) && len(r.Columns) > 0 {
		return nil, 0, nil, problem.New(problem.InvalidArgument, "file %q has none of the job's columns", f.Key).
			WithCause("its header is %s", strings.Join(clip(sm.Names, 12), ", ")).
			WithNext(problem.TurnYou, "Check that it belongs to this table.")
	}
	warnings := differences(f.Key, lacking, extra)
	base := spec{Key: f.Key, Generation: f.Generation, Format: formatCSV, Dialect: &sm.dialect, FileColumns: r.FileColumns,
		Formats: sm.formats(r.Columns, at)}
	if !sm.splittable() || f.Size-sm.Start <= r.ChunkBytes*3/2 {
		sp := base
		sp.Offset, sp.Length, sp.Line = sm.Start, -1, sm.StartLine
		rows := int64(-1)
		if len(sm.rows) == 0 && f.Size < sniffBytes && sm.Compression == plain {
			rows = 0
		}
		return []source.Chunk{sp.chunk(f.Key)}, max(rows, estimate(sm, f)), warnings, nil
	}
	chunks, rows, err := s.split(ctx, base, sm, f, r.ChunkBytes)
	return chunks, rows, warnings, err
}

// estimate guesses the rows of a file from the average length of sampled ones.
func estimate(sm *sample, f etl.File) int64 {
	if len(sm.rows) == 0 {
		return 0
	}
	var bytes int64
	for _, r := range sm.rows {
		for _, v := range r {
			bytes += int64(len(v)) + 1
		}
	}
	return max(int64(float64(f.Size-sm.Start)*float64(len(sm.rows))/float64(bytes)), 1)
}

// split reads the file once with the scanner that will read its parts, and cuts
// it at record ends. Stretches without a quote are passed over in one step.
func (s *Source) split(ctx context.Context, base spec, sm *sample, f etl.File, target int64) ([]source.Chunk, int64, error) {
	in, err := openAt(ctx, s.bucket, f.Key, sm.dialect, sm.Start, -1)
	if err != nil {
		return nil, 0, err
	}
	defer in.Close()
	sc := newScanner(in, sm.Delimiter[0], '"', sm.Width)
	sc.next = sm.StartLine
	var out []source.Chunk
	var rows, from int64
	line := sm.StartLine
	cut := func(to int64) {
		sp := base
		sp.Offset, sp.Length, sp.Line = sm.Start+from, to-from, line
		out = append(out, sp.chunk(fmt.Sprintf("%s, %s to %s", f.Key, mib(sp.Offset), mib(sm.Start+to))))
		from, line = to, sc.next
	}
	for sc.scan() {
		rows++
		if sc.filled {
			if n := sc.skipPlain(); n > 0 {
				rows += n
				if err := ctx.Err(); err != nil {
					return nil, 0, err
				}
			}
		}
		if sc.offset()-from >= target {
			cut(sc.offset())
		}
	}
	if sc.err != nil {
		return nil, 0, problem.Wrap(sc.err, problem.Unavailable, "file %q cannot be read", f.Key)
	}
	if sc.offset() > from {
		cut(sc.offset())
	}
	return out, rows, nil
}

// formats tells how this file writes each column: as sampled where that fits the
// column's type, else as the job remembers.
func (s *sample) formats(columns []etl.Column, at []int) []string {
	seen := s.columns()
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Format
		if at[i] < 0 {
			continue
		}
		g := seen[at[i]]
		temporal := g.Type == warehouse.Date || g.Type == warehouse.Timestamp
		wantsTime := c.Type == warehouse.Date || c.Type == warehouse.Timestamp || c.Type == warehouse.DateTime
		numeric := g.Type == warehouse.Float64 || g.Type == warehouse.Int64
		wantsNumber := c.Type == warehouse.Float64 || c.Type == warehouse.Numeric || c.Type == warehouse.BigNumeric || c.Type == warehouse.Int64
		unambiguous := formatOf(g.Format) != convert.Format{} || formatOf(c.Format).Group == 0
		if temporal && wantsTime || numeric && wantsNumber && unambiguous && g.Note != "no value in the sample" {
			out[i] = g.Format
		}
	}
	return out
}

func differences(key string, lacking, extra []string) (out []string) {
	if len(lacking) > 0 {
		out = append(out, fmt.Sprintf("%s lacks %s: NULL in its rows", key, strings.Join(clip(lacking, 12), ", ")))
	}
	if len(extra) > 0 {
		out = append(out, fmt.Sprintf("%s has columns that are not loaded: %s", key, strings.Join(clip(extra, 12), ", ")))
	}
	return out
}

func clip(s []string, n int) []string {
	if len(s) <= n {
		return s
	}
	return append(s[:n:n], "…")
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

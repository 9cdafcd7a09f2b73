package file

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, r source.ReadRequest, to source.Sink) (source.Stats, error) {
	sp, err := specOf(r.Spec)
	if err != nil {
		return source.Stats{}, err
	}
	if err := s.unchanged(ctx, sp.Key, sp.Generation); err != nil {
		return source.Stats{}, err
	}
	var st source.Stats
	switch {
	case sp.Format == formatParquet:
		st, err = s.readParquet(ctx, r, sp, to)
	case sp.Dialect == nil || len(sp.Dialect.Delimiter) != 1:
		err = problem.New(problem.Internal, "a chunk of %q has no dialect", sp.Key)
	default:
		st, err = s.readCSV(ctx, r, sp, to)
	}
	if err != nil {
		return st, err
	}
	// A file replaced on the way gives a mixture: its rows MUST NOT count.
	return st, s.unchanged(ctx, sp.Key, sp.Generation)
}

// unchanged refuses a file that is not what was planned any more. A bucket that does
// not answer says nothing of the file.
func (s *Source) unchanged(ctx context.Context, key, generation string) error {
	gen, err := s.bucket.Generation(ctx, key)
	if err != nil && !problem.Is(err, problem.NotFound) {
		return err
	}
	if gen != generation {
		return changed(key)
	}
	return nil
}

// csvReader reads one chunk of a CSV file.
type csvReader struct {
	*scanner
	sp    spec
	at    []int  // field of each column, −1 for none
	text  []bool // column is STRING or JSON
	width int
	cs    *charset
	spill []byte
	batch *convert.Batch
	sink  source.Sink
	names []string
	rows  int64
}

func (s *Source) readCSV(ctx context.Context, r source.ReadRequest, sp spec, to source.Sink) (source.Stats, error) {
	d := *sp.Dialect
	cs, err := charsetOf(d.Encoding)
	if err != nil {
		return source.Stats{}, err
	}
	in, err := openAt(ctx, s.bucket, sp.Key, d, sp.Offset, sp.Length)
	if err != nil {
		return source.Stats{}, err
	}
	defer in.Close()
	formats := make([]convert.Format, len(r.Columns))
	text := make([]bool, len(r.Columns))
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		if i < len(sp.Formats) {
			formats[i] = formatOf(sp.Formats[i])
		}
		text[i] = c.Type == warehouse.String || c.Type == warehouse.JSON
		names[i] = c.Name
	}
	var consts []string
	if sp.FileColumns {
		consts = []string{sp.Key, sp.Generation}
	}
	c := &csvReader{scanner: newScanner(in, d.Delimiter[0], '"', d.Width), sp: sp, text: text, width: len(d.Names),
		cs: cs, sink: to, names: names, batch: convert.NewBatch(to, r.Columns, formats, consts...)}
	defer c.batch.Release()
	c.at, _, _ = bind(r.Columns, d.Names)
	c.next = sp.Line
	err = c.run(ctx)
	st := source.Stats{Rows: c.rows, Bytes: in.bytes.n, Nulled: c.batch.Counts()}
	if err == nil && c.err != nil {
		if ctx.Err() != nil {
			return st, ctx.Err()
		}
		if d.Compression != plain || d.Encoding == utf16Name {
			return st, damaged(sp.Key, c.err)
		}
		return st, objects.Problem(c.err, sp.Key)
	}
	return st, err
}

func (c *csvReader) run(ctx context.Context) error {
	for c.scan() {
		if c.rows&0xFFF == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		c.rows++
		if c.bad != "" {
			if err := c.reject("", c.bad, c.bad); err != nil {
				return err
			}
			continue
		}
		if n := len(c.fields); n != c.width && !c.surplusEmpty() {
			if err := c.reject("", fmt.Sprintf("the row has %d fields, the file has %d columns", n, c.width), "wrong number of fields"); err != nil {
				return err
			}
			continue
		}
		if err := c.row(); err != nil {
			return err
		}
	}
	if c.err != nil {
		return nil // the caller names it
	}
	return c.batch.Flush()
}

// surplusEmpty reports whether the record only has empty fields too many.
func (c *csvReader) surplusEmpty() bool {
	if len(c.fields) < c.width {
		return false
	}
	for _, f := range c.fields[c.width:] {
		if len(f.b) > 0 {
			return false
		}
	}
	return true
}

func (c *csvReader) row() error {
	c.spill = c.spill[:0]
	var column, reason string
	var wrong []byte
	for i, at := range c.at {
		if at < 0 {
			c.batch.Null(i)
			continue
		}
		f := c.fields[at]
		b := f.b
		if c.text[i] {
			if !f.quoted && missing(b, true) {
				c.batch.Null(i)
				continue
			}
			b = c.cs.decode(&c.spill, b)
		} else {
			b = trim(b)
			if len(b) == 0 || len(b) <= 4 && missing(b, false) {
				c.batch.Null(i)
				continue
			}
		}
		if why := c.batch.Text(i, b); why != convert.Fits && reason == "" {
			column, reason, wrong = c.names[i], why, b
		}
	}
	if reason != "" {
		text := fmt.Sprintf("column %s: %q is %s", column, clipText(wrong, 80), reason)
		if err := c.reject(column, text, reason); err != nil {
			return err
		}
	}
	return c.batch.EndRow()
}

func (c *csvReader) reject(column, reason, kind string) error {
	return c.sink.Reject(source.Reject{
		Row: clipText(c.cs.decode(&c.spill, c.raw), source.RejectBytes), Reason: reason, Kind: kind, Column: column, File: c.sp.Key, Line: c.line,
	})
}

// clipText makes valid text of at most n bytes.
func clipText(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
		for len(b) > 0 && len(b) > n-4 && !utf8.Valid(b[max(0, len(b)-4):]) && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
	}
	return string([]rune(string(b)))
}

// trim removes spaces around a value, no-break ones of UTF-8 included.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	for len(b) >= 2 && b[0] == 0xC2 && b[1] == 0xA0 {
		b = b[2:]
	}
	for len(b) >= 2 && b[len(b)-2] == 0xC2 && b[len(b)-1] == 0xA0 {
		b = b[:len(b)-2]
	}
	return b
}

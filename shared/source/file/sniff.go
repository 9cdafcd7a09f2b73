package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	sniffBytes  = 1 << 20   // read from the start of a file
	probeBytes  = 128 << 10 // read from further places
	probes      = 6
	sampleRows  = 20_000
	delimSample = 300 // records that vote for a delimiter
)

// dialect is how a text file is written. It travels in chunk specs.
type dialect struct {
	Compression     string `json:"compression,omitempty"`
	Encoding        string `json:"encoding"`
	BigEndian       bool   `json:"big_endian,omitempty"`
	CarriageReturns bool   `json:"carriage_returns,omitempty"`
	Delimiter       string `json:"delimiter"`
	Header          bool   `json:"header"`
	Start           int64  `json:"start"` // of the first data record
	StartLine       int64  `json:"start_line"`
	// Width is the number of fields of a record, empty ones at the right included.
	Width int `json:"width"`
	// Names of the columns, from the header or column_0, column_1, …
	Names []string `json:"names"`
}

func (d dialect) splittable() bool {
	return d.Compression == plain && d.Encoding != utf16Name && !d.CarriageReturns
}

// sample is what sniffing saw of a CSV file.
type sample struct {
	dialect
	rows [][]string // data records with the right number of fields
	// quoted[i][j] tells that a field was quoted.
	quoted   [][]bool
	warnings []string
}

var delimiters = []byte{'\t', ';', '|', ','} // in order of preference

// sniffCSV understands a text file by looking at it. Options that are set win.
func sniffCSV(ctx context.Context, b *objects.Bucket, f etl.File, o etl.FileOptions) (*sample, error) {
	head, whole, d, err := readHead(ctx, b, f, o)
	if err != nil {
		return nil, err
	}
	cs, err := charsetOf(d.Encoding)
	if err != nil {
		return nil, err
	}
	delim, err := delimiterOf(head, whole, o)
	if err != nil {
		return nil, err
	}
	d.Delimiter = string(delim)
	s := &sample{dialect: d}
	first, rows, quoted := s.records(head, whole, delim, cs, 0)
	if len(first) == 0 {
		return nil, emptyFile(f.Key)
	}
	width := len(first)
	s.Width = width
	if n := trailingEmpty(first, rows); n > 0 {
		width -= n
	}
	s.Header = !o.NoHeader && looksLikeHeader(first[:width], rows)
	s.Names = make([]string, width)
	for i := range width {
		if s.Header {
			s.Names[i] = first[i]
		} else {
			s.Names[i] = "column_" + itoa(i)
		}
	}
	sc := newScanner(bytes.NewReader(head), delim, '"', len(first))
	s.Start, s.StartLine = int64(d.Start), 1
	if s.Header && sc.scan() {
		s.Start, s.StartLine = d.Start+sc.offset(), sc.next
	} else if !s.Header {
		rows, quoted = append([][]string{first}, rows...), append([][]bool{make([]bool, len(first))}, quoted...)
	}
	s.rows, s.quoted = rows, quoted
	if !whole || len(rows) >= sampleRows {
		s.probe(ctx, b, f, delim, cs, len(first))
	}
	return s, nil
}

// readHead gives the first decoded bytes of a file after its byte order mark.
func readHead(ctx context.Context, b *objects.Bucket, f etl.File, o etl.FileOptions) (head []byte, whole bool, d dialect, err error) {
	raw, _, err := readPart(ctx, b, f.Key, dialect{}, 0, 4096)
	if err != nil {
		return nil, false, d, err
	}
	if len(raw) == 0 {
		return nil, false, d, emptyFile(f.Key)
	}
	d.Compression = compressionOf(raw)
	head, whole, err = readPart(ctx, b, f.Key, d, 0, sniffBytes)
	if err != nil {
		return nil, false, d, err
	}
	if len(head) == 0 {
		return nil, false, d, emptyFile(f.Key)
	}
	if err := refuseOther(head, f.Key); err != nil {
		return nil, false, d, err
	}
	name, big, bom := detectEncoding(head, whole)
	if o.Encoding != "" {
		if name = o.Encoding; name == "iso-8859-1" {
			name = latin1
		}
		if name != utf8Name {
			bom = 0
		}
	}
	d.Encoding, d.BigEndian = name, big
	if name == utf16Name {
		if head, whole, err = readPart(ctx, b, f.Key, d, 0, sniffBytes); err != nil {
			return nil, false, d, err
		}
	} else if err := refuseBinary(head, f.Key); err != nil {
		return nil, false, d, err
	}
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		d.CarriageReturns = true
		head = bytes.ReplaceAll(head, []byte{'\r'}, []byte{'\n'})
	}
	d.Start = int64(bom)
	head = head[bom:]
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, false, d, emptyFile(f.Key)
	}
	return head, whole, d, nil
}

// readPart reads up to n decoded bytes from an offset; whole tells that nothing follows.
func readPart(ctx context.Context, b *objects.Bucket, key string, d dialect, offset, n int64) (data []byte, whole bool, err error) {
	length := n + 1
	s, err := openAt(ctx, b, key, d, offset, length)
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	data, err = io.ReadAll(io.LimitReader(s, n+1))
	if err != nil {
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		return nil, false, damaged(key, err)
	}
	if int64(len(data)) > n {
		return data[:n], false, nil
	}
	return data, true, nil
}

// records scans text into decoded records of want fields (0: as many as the first one).
func (s *sample) records(text []byte, whole bool, delim byte, cs *charset, want int) (first []string, rows [][]string, quoted [][]bool) {
	sc := newScanner(bytes.NewReader(text), delim, '"', want)
	var spill []byte
	for len(rows) < sampleRows && sc.scan() {
		if !whole && sc.offset() >= int64(len(text)) && text[len(text)-1] != '\n' {
			break // cut by the end of the sample
		}
		if sc.bad != "" {
			continue
		}
		row, q := make([]string, len(sc.fields)), make([]bool, len(sc.fields))
		spill = spill[:0]
		for i, f := range sc.fields {
			row[i], q[i] = string(bytes.ToValidUTF8(cs.decode(&spill, f.b), []byte("\uFFFD"))), f.quoted
		}
		if first == nil && want == 0 {
			first, want = row, len(row)
			sc.expect = want
			continue
		}
		if len(row) == want {
			rows, quoted = append(rows, row), append(quoted, q)
		}
	}
	return first, rows, quoted
}

// probe looks at further places of a file, so that types do not hang on its first
// rows, and at its end, where sorted files differ most. Each probe begins after a line end; a record it cut is left out.
func (s *sample) probe(ctx context.Context, b *objects.Bucket, f etl.File, delim byte, cs *charset, width int) {
	if !s.splittable() {
		return
	}
	for i := int64(1); i <= probes; i++ {
		at := max((f.Size-probeBytes)*i/probes, 1)
		text, whole, err := readPart(ctx, b, f.Key, s.dialect, at, probeBytes)
		if err != nil {
			return // the sample is smaller; reading the file itself will tell
		}
		if n := bytes.IndexByte(text, '\n'); n >= 0 {
			_, rows, quoted := s.records(text[n+1:], whole, delim, cs, width)
			s.rows, s.quoted = append(s.rows, rows...), append(s.quoted, quoted...)
		}
	}
}

// trailingEmpty counts empty columns at the right: lines that end in a delimiter.
func trailingEmpty(first []string, rows [][]string) int {
	n := 0
	for i := len(first) - 1; i > 0 && first[i] == ""; i-- {
		for _, r := range rows {
			if r[i] != "" {
				return n
			}
		}
		n++
	}
	return n
}

// delimiterOf lets the first records vote: the delimiter under which most of them
// have as many fields as the first one, more than one.
func delimiterOf(head []byte, whole bool, o etl.FileOptions) (byte, error) {
	if o.Delimiter != "" {
		d := o.Delimiter
		if d == `\t` {
			d = "\t"
		}
		if len(d) != 1 || d[0] >= utf8.RuneSelf || d[0] == '"' || d[0] == '\n' || d[0] == '\r' {
			return 0, problem.New(problem.InvalidArgument, "delimiter %q is not one ASCII character", o.Delimiter)
		}
		return d[0], nil
	}
	best, bestScore := byte(','), 0.0
	for _, d := range delimiters {
		sc := newScanner(bytes.NewReader(head), d, '"', 0)
		counts := map[int]int{}
		first, n := 0, 0
		for n < delimSample && sc.scan() {
			if !whole && sc.offset() >= int64(len(head)) {
				break
			}
			if sc.bad == "" {
				counts[len(sc.fields)]++
				if n == 0 {
					first = len(sc.fields)
				}
			}
			n++
		}
		if n == 0 {
			continue
		}
		mode := 0
		for w, c := range counts {
			if w > 1 && (c > counts[mode] || c == counts[mode] && w > mode) {
				mode = w
			}
		}
		score := float64(counts[mode]) / float64(n)
		if first != mode {
			score *= 0.6 // the header has other fields than the rows
		}
		if mode > 1 && score > bestScore+0.02 {
			best, bestScore = d, score
		}
	}
	return best, nil
}

func emptyFile(key string) error {
	return problem.New(problem.InvalidArgument, "file %q is empty", key).WithCause("it has no records").
		WithNext(problem.TurnYou, "Upload a file with a header and rows.")
}

// refuseOther names well-known formats that are not tables of text.
func refuseOther(head []byte, key string) error {
	kind, next := "", "Save it as CSV or Parquet and upload that."
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		kind = "a spreadsheet or ZIP archive"
	case bytes.HasPrefix(head, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		kind = "an old Office document"
	case bytes.HasPrefix(head, []byte("%PDF")):
		kind = "a PDF document"
	case bytes.HasPrefix(head, []byte("SQLite format 3")):
		kind = "a SQLite database"
	case bytes.HasPrefix(head, []byte("ORC")) && len(head) > 3 && head[3] < 32, bytes.HasPrefix(head, []byte("Obj\x01")):
		kind = "an ORC or Avro file"
	case bytes.HasPrefix(head, []byte("ARROW1")):
		kind = "an Arrow file"
	case looksLikeJSON(head):
		kind = "JSON"
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("<?xml")), bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 64)])), []byte("<!doctype")), bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 64)])), []byte("<html")):
		kind = "XML or HTML"
	}
	if kind == "" {
		return nil
	}
	return problem.New(problem.InvalidArgument, "file %q is not a table of text", key).
		WithCause("it looks like %s", kind).WithNext(problem.TurnYou, "%s", next)
}

func looksLikeJSON(head []byte) bool {
	t := bytes.TrimSpace(head)
	if len(t) == 0 || t[0] != '{' && t[0] != '[' {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(t))
	for n := 0; n < 64; n++ {
		if _, err := dec.Token(); err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
	return true
}

// refuseBinary finds control characters that no text has.
func refuseBinary(head []byte, key string) error {
	n := min(len(head), 64<<10)
	zero, control := 0, 0
	for _, c := range head[:n] {
		switch {
		case c == 0:
			zero++
		case c < 32 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b:
			control++
		}
	}
	if zero == 0 && control*50 <= n {
		return nil
	}
	return problem.New(problem.InvalidArgument, "file %q is not a table of text", key).
		WithCause("it has bytes that no text has, so it seems to be binary").
		WithNext(problem.TurnYou, "Upload a CSV or Parquet file.")
}

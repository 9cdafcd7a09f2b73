package file

import (
	"bytes"
	"io"
)

const (
	scanBuffer = 1 << 20
	// maxRecord bounds one record; a longer one is a quote that never closes.
	maxRecord = 8 << 20
)

// value is one field of a record; b is valid until the next record.
type value struct {
	b      []byte
	quoted bool
}

// scanner cuts a byte stream into the records of RFC 4180 with any delimiter:
// quotes around fields, doubled inside them, newlines inside quotes, \n or \r\n
// between records. Blank lines are skipped.
//
// A line whose quoting is broken is given as a bad record, and scanning goes on
// at the line after it. The same holds for a record over several lines whose
// number of fields is not expect: one stray quote costs one line, not the rest of
// the file. All splitting of files uses this scanner, so the records of the
// parts are the records of the whole.
type scanner struct {
	r      io.Reader
	delim  byte
	quote  byte // 0 for none
	expect int  // fields of a record, 0 when unknown

	buf      []byte
	pos, end int
	base     int64 // offset of buf[0] in the stream
	eof      bool
	err      error

	line   int64 // of the present record, from 1
	next   int64 // of the record after it
	start  int64 // offset of the present record
	fields []value
	raw    []byte // the present record without its line end
	bad    string // why the present record cannot be used
	spill  []byte // unescaped fields
	filled bool   // set when the buffer has new bytes
}

func newScanner(r io.Reader, delim, quote byte, expect int) *scanner {
	return &scanner{r: r, delim: delim, quote: quote, expect: expect, buf: make([]byte, scanBuffer), next: 1}
}

// offset is where the next record begins.
func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

// fill reads more bytes behind the present record's start. It reports false when
// there are none, or the record has become too long.
func (s *scanner) fill() bool {
	if s.eof {
		return false
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.base += int64(s.pos)
		s.end -= s.pos
		s.pos = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxRecord {
			return false
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for s.end < len(s.buf) && !s.eof {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.eof = true
			if err != io.EOF {
				s.err = err
			}
		}
	}
	s.filled = true
	return true
}

// scan reads the next record. It reports false at the end or when reading
// failed; err tells which.
func (s *scanner) scan() bool {
	for {
		// Blank lines are not records.
		for s.pos < s.end {
			if s.buf[s.pos] == '\n' {
				s.pos++
			} else if s.buf[s.pos] == '\r' && s.pos+1 < s.end && s.buf[s.pos+1] == '\n' {
				s.pos += 2
			} else {
				break
			}
			s.next++
		}
		if s.pos == s.end || s.pos+1 == s.end && s.buf[s.pos] == '\r' {
			if !s.fill() {
				return false
			}
			continue
		}
		stop, ok := s.record()
		if !ok {
			if s.fill() {
				continue
			}
			s.bad = "a quote never closes"
		}
		if s.err != nil {
			return false
		}
		s.line, s.start = s.next, s.base+int64(s.pos)
		if s.bad == "" && s.expect > 0 && len(s.fields) != s.expect && bytes.IndexByte(s.buf[s.pos:stop-1], '\n') >= 0 {
			s.bad = "quotes do not match"
		}
		if s.bad != "" {
			if stop, ok = s.physicalLine(); !ok {
				continue
			}
			s.fields = s.fields[:0]
		}
		s.raw = bytes.TrimRight(s.buf[s.pos:stop], "\r\n")
		s.next += int64(bytes.Count(s.buf[s.pos:stop], []byte{'\n'}))
		s.pos = stop
		return true
	}
}

// physicalLine finds the end of the line at pos; not ok when more bytes were read for it.
func (s *scanner) physicalLine() (stop int, ok bool) {
	if i := bytes.IndexByte(s.buf[s.pos:s.end], '\n'); i >= 0 {
		return s.pos + i + 1, true
	}
	if s.fill() {
		return 0, false
	}
	return s.end, true // the last line, or one longer than a record may be
}

// record parses the record at pos. Not ok means that more bytes are needed.
func (s *scanner) record() (stop int, ok bool) {
	b := s.buf[:s.end]
	s.fields, s.spill, s.bad = s.fields[:0], s.spill[:0], ""
	p, delim := s.pos, s.delim
	for {
		if p == len(b) {
			if !s.eof {
				return 0, false
			}
			s.fields = append(s.fields, value{b: b[p:p]})
			return p, true
		}
		if b[p] == s.quote && s.quote != 0 {
			q, escaped := p+1, false
			for {
				i := bytes.IndexByte(b[q:], s.quote)
				if i < 0 {
					return 0, false
				}
				q += i
				if q+1 == len(b) {
					if !s.eof {
						return 0, false
					}
				} else if b[q+1] == s.quote {
					escaped = true
					q += 2
					continue
				}
				break
			}
			v := b[p+1 : q]
			if escaped {
				v = s.unescape(v)
			}
			s.fields = append(s.fields, value{v, true})
			p = q + 1
			switch {
			case p == len(b):
				return p, true
			case b[p] == delim:
				p++
			case b[p] == '\n':
				return p + 1, true
			case b[p] == '\r' && p+1 == len(b):
				if !s.eof {
					return 0, false
				}
				return p + 1, true
			case b[p] == '\r' && b[p+1] == '\n':
				return p + 2, true
			default:
				s.bad = "text follows a closing quote"
				return p, true
			}
			continue
		}
		i := p
		for i < len(b) && b[i] != delim && b[i] != '\n' {
			i++
		}
		if i == len(b) && !s.eof {
			return 0, false
		}
		if i < len(b) && b[i] == delim {
			s.fields = append(s.fields, value{b: b[p:i]})
			p = i + 1
			continue
		}
		stop = min(i+1, len(b))
		if i > p && b[i-1] == '\r' {
			i--
		}
		s.fields = append(s.fields, value{b: b[p:i]})
		return stop, true
	}
}

// unescape halves doubled quotes. The result lives until the next record.
func (s *scanner) unescape(v []byte) []byte {
	from := len(s.spill)
	for {
		i := bytes.IndexByte(v, s.quote)
		if i < 0 {
			s.spill = append(s.spill, v...)
			return s.spill[from:len(s.spill):len(s.spill)]
		}
		s.spill = append(s.spill, v[:i+1]...)
		v = v[i+2:]
	}
}

// skipPlain jumps over the buffered records at once when none of them has a
// quote, and reports how many lines they had and where the last one ends.
func (s *scanner) skipPlain() (lines int64) {
	s.filled = false
	b := s.buf[s.pos:s.end]
	if s.quote != 0 && bytes.IndexByte(b, s.quote) >= 0 {
		return 0
	}
	last := bytes.LastIndexByte(b, '\n')
	if last < 0 {
		return 0
	}
	lines = int64(bytes.Count(b[:last+1], []byte{'\n'}))
	s.pos += last + 1
	s.next += lines
	return lines
}

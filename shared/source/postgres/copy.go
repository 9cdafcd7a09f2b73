package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// copySignature opens every COPY BINARY stream
// (https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format").
var copySignature = []byte("PGCOPY\n\xff\r\n\x00")

const copyHeader = 19 // signature, flags, length of the extension

// maxTuple bounds one row: PostgreSQL's own limit of a message is 1 GiB.
const maxTuple = 1 << 30

var errCopy = errors.New("the COPY stream is malformed")

// parser is an io.Writer that takes a COPY BINARY stream in pieces of any size
// and hands complete rows to row. A field is nil for NULL; it is valid during the call.
type parser struct {
	columns int
	row     func(fields [][]byte) error

	fields [][]byte
	rest   []byte // an incomplete row
	skip   int    // bytes of the header still to come
	head   []byte
	begun  bool
	done   bool
	rows   int64
	bytes  int64
}

// Write implements io.Writer.
func (p *parser) Write(b []byte) (int, error) {
	n := len(b)
	p.bytes += int64(n)
	if !p.begun {
		var err error
		if b, err = p.header(b); err != nil {
			return 0, err
		}
		if !p.begun {
			return n, nil
		}
	}
	if len(p.rest) > 0 {
		p.rest = append(p.rest, b...)
		b = p.rest
	}
	used, err := p.tuples(b)
	if err != nil {
		return 0, err
	}
	left := b[used:]
	if len(left) > maxTuple {
		return 0, errCopy
	}
	// The overlap is fine: append to a prefix copies forward.
	p.rest = append(p.rest[:0], left...)
	return n, nil
}

func (p *parser) header(b []byte) ([]byte, error) {
	if p.fields == nil {
		p.fields = make([][]byte, p.columns)
		p.skip = copyHeader
	}
	take := min(p.skip, len(b))
	p.head = append(p.head, b[:take]...)
	p.skip -= take
	b = b[take:]
	if p.skip > 0 {
		return b, nil
	}
	if len(p.head) == copyHeader {
		if !bytes.Equal(p.head[:len(copySignature)], copySignature) {
			return nil, errCopy
		}
		if ext := binary.BigEndian.Uint32(p.head[15:]); ext > 0 {
			if ext > 1<<16 {
				return nil, errCopy
			}
			p.skip = int(ext)
			return p.header(b)
		}
	}
	p.begun = true
	return b, nil
}

// tuples hands on all complete rows of b and reports how many bytes they took.
func (p *parser) tuples(b []byte) (int, error) {
	pos := 0
	for {
		if len(b)-pos < 2 {
			return pos, nil
		}
		n := int16(binary.BigEndian.Uint16(b[pos:]))
		if n == -1 {
			p.done = true
			return pos + 2, nil
		}
		if p.done || int(n) != p.columns {
			return 0, errCopy
		}
		q := pos + 2
		for i := range p.fields {
			if len(b)-q < 4 {
				return pos, nil
			}
			size := int32(binary.BigEndian.Uint32(b[q:]))
			q += 4
			if size == -1 {
				p.fields[i] = nil
				continue
			}
			if size < 0 {
				return 0, errCopy
			}
			if len(b)-q < int(size) {
				return pos, nil
			}
			p.fields[i] = b[q : q+int(size) : q+int(size)]
			q += int(size)
		}
		p.rows++
		if err := p.row(p.fields); err != nil {
			return 0, err
		}
		pos = q
	}
}

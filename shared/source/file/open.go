package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Compression of a file, by its first bytes.
const (
	plain   = ""
	gzipped = "gzip"
	zstded  = "zstd"
)

func compressionOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstded
	}
	return plain
}

// counter counts the bytes that came from the bucket.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// stream is an open file: decompressed, as UTF-8 or in its single-byte encoding.
type stream struct {
	io.Reader
	bytes *counter
	close []func()
}

func (s *stream) Close() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}

// openAt reads length bytes from offset, -1 for all of it. Compressed files and
// UTF-16 have only one part: offset counts their decoded bytes and is skipped over.
func openAt(ctx context.Context, b *objects.Bucket, key string, d dialect, offset, length int64) (*stream, error) {
	from, n := offset, length
	if !d.splittable() {
		from, n = 0, -1
	}
	r, err := b.NewRangeReader(ctx, key, from, n, nil)
	if err != nil {
		return nil, objects.Problem(err, key)
	}
	s := &stream{bytes: &counter{r: r}, close: []func(){func() { _ = r.Close() }}} // only read from
	s.Reader = s.bytes
	if err := s.decompress(d.Compression, key); err != nil {
		s.Close()
		return nil, err
	}
	if d.Encoding == utf16Name {
		s.Reader = utf16Reader(s.Reader, d.BigEndian)
	}
	if d.CarriageReturns {
		s.Reader = crReader{s.Reader}
	}
	if !d.splittable() && offset > 0 {
		if _, err := io.CopyN(io.Discard, s.Reader, offset); err != nil {
			s.Close()
			return nil, damaged(key, err)
		}
	}
	return s, nil
}

func (s *stream) decompress(kind, key string) error {
	switch kind {
	case gzipped:
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			return damaged(key, err)
		}
		s.Reader = z
	case zstded:
		z, err := zstd.NewReader(s.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return damaged(key, err)
		}
		s.close = append(s.close, z.Close)
		s.Reader = z
	}
	return nil
}

// crReader turns the line ends of old Macintosh files into newlines.
type crReader struct{ r io.Reader }

func (c crReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, x := range p[:n] {
		if x == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

func damaged(key string, err error) error {
	return problem.New(problem.InvalidArgument, "file %q is damaged", key).WithCause("%v", err).
		WithNext(problem.TurnYou, "Upload the file again.")
}

package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
)

// inMemory is a bucket in memory whose objects never change.
type inMemory struct{ *blob.Bucket }

func (m inMemory) Blob() *blob.Bucket                                 { return m.Bucket }
func (m inMemory) URI(key string) string                              { return key }
func (m inMemory) Generation(context.Context, string) (string, error) { return "1", nil }

// Any bytes are a file: they are refused with a reason or read completely, and the
// parts give what the whole gives.
func FuzzFile(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a;b\n\"x\ny\";2\n", "\xEF\xBB\xBFa\tb\r\n1\t2\r\n", "a,b\n\"stray,1\n2,3\n", "\xff\xfea\x00,\x00b\x00\n\x00",
		"1,2\n3,4\n", "\"\"\"\",\n", "a\n\n\n", "\x1f\x8b", "PAR1", "a,b,\n1,2,\n,,\n", "д,т\n01.02.2024,1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx := context.Background()
		b := objects.NewBucket(objects.Uploads, inMemory{memblob.OpenBucket(nil)})
		defer b.Close()
		if err := b.WriteAll(ctx, "f", data, nil); err != nil {
			t.Fatal(err)
		}
		s := New(b)
		o := source.Object{Files: &etl.FileOptions{}}
		d, err := s.Describe(ctx, o)
		if err != nil {
			if !problem.Is(err, problem.InvalidArgument) {
				t.Fatalf("refused without a reason for people: %v", err)
			}
			return
		}
		if d.Format == formatParquet {
			return
		}
		counts := map[int64][2]int{}
		for _, size := range []int64{1 << 20, 7} {
			files, err := Match(ctx, b, *o.Files)
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: d.Columns, Files: files, ChunkBytes: size})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range p.FileProblems {
				if !problem.Is(err, problem.InvalidArgument) {
					t.Fatal(err)
				}
			}
			var out sourcetest.Collector
			var rows int64
			for _, c := range p.Chunks {
				st, err := s.Read(ctx, source.ReadRequest{Object: o, Columns: d.Columns, Spec: c.Spec}, &out)
				if err != nil && !problem.Is(err, problem.InvalidArgument) {
					t.Fatal(err)
				}
				rows += st.Rows
			}
			if rows != int64(len(out.Rows)+len(out.Rejects)) {
				t.Fatalf("%d rows read, %d came, %d rejected", rows, len(out.Rows), len(out.Rejects))
			}
			counts[size] = [2]int{len(out.Rows), len(out.Rejects)}
		}
		if counts[7] != counts[1<<20] {
			t.Fatalf("parts give %v, the whole gives %v", counts[7], counts[1<<20])
		}
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("a,\"b\nc\",\"\"\n\"x"), 2)
	f.Fuzz(func(t *testing.T, data []byte, expect int) {
		s := newScanner(bytes.NewReader(data), ',', '"', expect)
		last := int64(-1)
		for s.scan() {
			if s.start <= last || s.offset() > int64(len(data)) {
				t.Fatalf("record at %d after one at %d, next at %d of %d", s.start, last, s.offset(), len(data))
			}
			last = s.start
		}
		if s.err != nil && !errors.Is(s.err, io.EOF) {
			t.Fatal(s.err)
		}
		if rest := bytes.Trim(data[s.offset():], "\r\n"); len(rest) > 0 {
			t.Fatalf("%q was not read", rest)
		}
	})
}

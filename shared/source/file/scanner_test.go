package file

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func scanAll(r io.Reader, delim byte, expect int) (rows [][]string, bad []string) {
	s := newScanner(r, delim, '"', expect)
	for s.scan() {
		if s.bad != "" {
			bad = append(bad, s.bad+": "+string(s.raw))
			continue
		}
		var row []string
		for _, f := range s.fields {
			row = append(row, string(f.b))
		}
		rows = append(rows, row)
	}
	return rows, bad
}

func TestScanner(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		expect int
		want   [][]string
		bad    []string
	}{
		"plain":          {"a,b\n1,2\n", 0, [][]string{{"a", "b"}, {"1", "2"}}, nil},
		"no last end":    {"a,b\r\n1,2", 0, [][]string{{"a", "b"}, {"1", "2"}}, nil},
		"empty fields":   {"a,,\n,,\n", 0, [][]string{{"a", "", ""}, {"", "", ""}}, nil},
		"quoted newline": {"a,\"x\ny\"\n1,2\n", 2, [][]string{{"a", "x\ny"}, {"1", "2"}}, nil},
		"doubled quote":  {"\"a\"\"b\",\"\"\"\"\n", 0, [][]string{{`a"b`, `"`}}, nil},
		"inner quote":    {"5\" pipe,2\n1,2\n", 2, [][]string{{`5" pipe`, "2"}, {"1", "2"}}, nil},
		"blank lines":    {"\n\na,b\n\r\n\n1,2\n\n", 0, [][]string{{"a", "b"}, {"1", "2"}}, nil},
		"stray quote":    {"a,b\n\"x,1\n2,3\n4,5\n", 2, [][]string{{"a", "b"}, {"2", "3"}, {"4", "5"}}, []string{`a quote never closes: "x,1`}},
		"stray quote closed later": {"a,b\n\"x,1\n2,\"3\"\n4,5\n", 2,
			[][]string{{"a", "b"}, {"2", "3"}, {"4", "5"}}, []string{`text follows a closing quote: "x,1`}},
		"stray quote swallows a row": {"a,b\n\"x,1\n2,3\n4,5\"\n6,7\n", 2,
			[][]string{{"a", "b"}, {"2", "3"}, {"4", "5\""}, {"6", "7"}}, []string{`quotes do not match: "x,1`}},
		"empty":     {"", 0, nil, nil},
		"only ends": {"\n\r\n\n", 0, nil, nil},
	} {
		for _, slow := range []bool{false, true} {
			var r io.Reader = strings.NewReader(c.in)
			if slow {
				r = iotest.OneByteReader(r)
			}
			rows, bad := scanAll(r, ',', c.expect)
			if d := cmp.Diff(c.want, rows); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			if d := cmp.Diff(c.bad, bad); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// Well-formed files read the same with the standard library.
func TestScannerAgreesWithEncodingCSV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 5).Draw(t, "width")
		cell := rapid.StringOf(rapid.SampledFrom([]rune("ab1 ,;\"\n\tя")))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 30).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		got, bad := scanAll(&b, ',', width)
		if len(bad) > 0 {
			t.Fatalf("bad: %q", bad)
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestScannerLines(t *testing.T) {
	s := newScanner(strings.NewReader("a\n\n\"b\nc\",1\nd\n"), ',', '"', 0)
	var lines []int64
	for s.scan() {
		lines = append(lines, s.line)
	}
	if d := cmp.Diff([]int64{1, 3, 5}, lines); d != "" {
		t.Error(d)
	}
}

func BenchmarkScanner(b *testing.B) {
	data := bytes.Repeat([]byte("1234567,2024-05-06 07:08:09,PRODUCT-00123,\"Big, red\",12.50,3,Warsaw,retail\n"), 100_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s := newScanner(bytes.NewReader(data), ',', '"', 8)
		for s.scan() {
		}
	}
}

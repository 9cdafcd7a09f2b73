package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	eventslite "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
)

func bucket(t testing.TB) *objects.Bucket {
	t.Helper()
	dir := t.TempDir()
	ev, err := eventslite.Open(filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	bus := events.New(ev)
	d, err := folder.Open(objects.Uploads, filepath.Join(dir, "uploads"), bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return objects.NewBucket(objects.Uploads, d)
}

// load describes a file, plans it and reads all chunks in a shuffled order.
func load(t testing.TB, b *objects.Bucket, o etl.FileOptions, chunkBytes int64, fileColumns bool) (source.Description, *sourcetest.Collector, source.Stats) {
	t.Helper()
	ctx := context.Background()
	s := New(b)
	d, err := s.Describe(ctx, source.Object{Files: &o})
	if err != nil {
		t.Fatal(err)
	}
	files, err := Match(ctx, b, o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(ctx, source.PlanRequest{Object: source.Object{Files: &o}, Columns: d.Columns, Files: files, ChunkBytes: chunkBytes, ChunkRows: chunkBytes, FileColumns: fileColumns})
	if err != nil {
		t.Fatal(err)
	}
	for k, e := range p.FileProblems {
		t.Fatalf("%s: %v", k, e)
	}
	rand.Shuffle(len(p.Chunks), func(i, j int) { p.Chunks[i], p.Chunks[j] = p.Chunks[j], p.Chunks[i] })
	var out sourcetest.Collector
	var total source.Stats
	for _, c := range p.Chunks {
		st, err := s.Read(ctx, source.ReadRequest{Object: source.Object{Files: &o}, Columns: d.Columns, Spec: c.Spec}, &out)
		if err != nil {
			t.Fatal(err)
		}
		total.Rows += st.Rows
		total.Bytes += st.Bytes
	}
	if total.Rows != int64(len(out.Rows)+len(out.Rejects)) {
		t.Errorf("read %d rows, got %d and %d rejected", total.Rows, len(out.Rows), len(out.Rejects))
	}
	return d, &out, total
}

func put(t testing.TB, b *objects.Bucket, key string, data []byte) {
	t.Helper()
	if err := b.Write(context.Background(), key, data); err != nil {
		t.Fatal(err)
	}
}

func types(d source.Description) string {
	var out []string
	for _, c := range d.Columns {
		s := c.Name + " " + string(c.Type)
		if c.Format != "" {
			s += " (" + c.Format + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestSniff(t *testing.T) {
	cp1251, err := charmap.Windows1251.NewEncoder().String("Код клиента;Дата продажи;Сумма\n007;15.02.2024;12,50\n008;01.03.2024;3,00\n")
	if err != nil {
		t.Fatal(err)
	}
	cp1250, err := charmap.Windows1250.NewEncoder().String("nazwa,miasto\nżółw,Łódź\nślimak,Kraków\n")
	if err != nil {
		t.Fatal(err)
	}
	latin, err := charmap.ISO8859_1.NewEncoder().String("name,city\nJosé,Málaga\nZoë,Köln\n")
	if err != nil {
		t.Fatal(err)
	}
	utf16le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("a,б\n1,я\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in, types string
		opts      etl.FileOptions
		rows      [][]string
	}{
		"comma": {in: "Customer ID,qty,price,when\n00123,2,1.50,2024-05-06\n00124,,3,2024-05-07\n",
			types: "customer_id STRING, qty INT64, price FLOAT64, when DATE",
			rows:  [][]string{{"00123", "2", "1.5", "2024-05-06"}, {"00124", "∅", "3", "2024-05-07"}}},
		"semicolon and decimal comma": {in: "produkt;ilość;cena\nA1;1;1.234,50\nB2;-2;0,99\n",
			types: "produkt STRING, ilosc INT64, cena FLOAT64 (decimal-comma group-point)",
			rows:  [][]string{{"A1", "1", "1234.5"}, {"B2", "-2", "0.99"}}},
		"tab":       {in: "a\tb,c\n1\tx,y\n", types: "a INT64, b_c STRING", rows: [][]string{{"1", "x,y"}}},
		"pipe":      {in: "a|b\n1|2024-05-06 07:08:09\n", types: "a INT64, b TIMESTAMP", rows: [][]string{{"1", "2024-05-06T07:08:09Z"}}},
		"no header": {in: "1,alpha\n2,beta\n3,gamma\n", types: "column_0 INT64, column_1 STRING", rows: [][]string{{"1", "alpha"}, {"2", "beta"}, {"3", "gamma"}}},
		"BOM and CRLF": {in: "\xEF\xBB\xBFname,n\r\n\"a, b\",1\r\n\"x\r\ny\",2\r\n", types: "name STRING, n INT64",
			rows: [][]string{{"a, b", "1"}, {"x\r\ny", "2"}}},
		"windows-1251": {in: cp1251, types: "kod_klienta STRING, data_prodazhi DATE (dmy), summa FLOAT64 (decimal-comma)",
			rows: [][]string{{"007", "2024-02-15", "12.5"}, {"008", "2024-03-01", "3"}}},
		"windows-1250": {in: cp1250, types: "nazwa STRING, miasto STRING", rows: [][]string{{"żółw", "Łódź"}, {"ślimak", "Kraków"}}},
		"latin":        {in: latin, types: "name STRING, city STRING", rows: [][]string{{"José", "Málaga"}, {"Zoë", "Köln"}}},
		"UTF-16":       {in: utf16le, types: "a INT64, b STRING", rows: [][]string{{"1", "я"}}},
		"carriage returns": {in: "a,b\r1,2\r3,4\r", types: "a INT64, b INT64",
			rows: [][]string{{"1", "2"}, {"3", "4"}}},
		"day first":       {in: "d,x\n13/02/2024,a\n01/02/2024,b\n", types: "d DATE (dmy), x STRING", rows: [][]string{{"2024-02-13", "a"}, {"2024-02-01", "b"}}},
		"month first":     {in: "InvoiceDate,x\n12/1/2010 8:26,a\n2/13/2011 14:05,b\n", types: "invoicedate TIMESTAMP (mdy), x STRING", rows: [][]string{{"2010-12-01T08:26:00Z", "a"}, {"2011-02-13T14:05:00Z", "b"}}},
		"ambiguous order": {in: "d,x\n01/02/2024,a\n03/04/2024,b\n", types: "d STRING, x STRING", rows: [][]string{{"01/02/2024", "a"}, {"03/04/2024", "b"}}},
		"quoted empty":    {in: "a,b\n\"\",1\n,2\nNULL,3\n\"NULL\",4\n", types: "a STRING, b INT64", rows: [][]string{{"", "1"}, {"∅", "2"}, {"∅", "3"}, {"NULL", "4"}}},
		"bool":            {in: "flag,n\ntrue,1\nno,2\n,3\n", types: "flag BOOL, n INT64", rows: [][]string{{"true", "1"}, {"false", "2"}, {"∅", "3"}}},
		"trailing delimiter": {in: "a,b,\n1,2,\n3,4,\n", types: "a INT64, b INT64",
			rows: [][]string{{"1", "2"}, {"3", "4"}}},
		"one column":   {in: "name\nx\ny\n", types: "name STRING", rows: [][]string{{"x"}, {"y"}}},
		"only header":  {in: "a,b\n", types: "a STRING, b STRING"},
		"codes":        {in: "sku,zip,Phone No\n12,00-950,48123456789\n13,30-001,48987654321\n", types: "sku STRING, zip STRING, phone_no STRING", rows: [][]string{{"12", "00-950", "48123456789"}, {"13", "30-001", "48987654321"}}},
		"epoch date":   {in: "day,n\n20240506,1\n20240507,2\n", types: "day DATE, n INT64", rows: [][]string{{"2024-05-06", "1"}, {"2024-05-07", "2"}}},
		"given option": {in: "a;b,c\n1;2,3\n", opts: etl.FileOptions{Delimiter: ","}, types: "a_b STRING, c INT64", rows: [][]string{{"1;2", "3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bucket(t)
			put(t, b, "f.csv", []byte(c.in))
			c.opts.Pattern = "*.csv"
			d, got, _ := load(t, b, c.opts, 1<<20, false)
			if diff := cmp.Diff(c.types, types(d)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.rows, got.Rows); diff != "" {
				t.Error(diff)
			}
			if len(got.Rejects) > 0 {
				t.Errorf("rejected: %+v", got.Rejects)
			}
		})
	}
}

// What only shows far down in a file is seen too.
func TestTypesOfSortedFiles(t *testing.T) {
	var in strings.Builder
	in.WriteString("n,when,what\n")
	for i := range 60_000 {
		fmt.Fprintf(&in, "%d,%02d/01/2024,x\n", i, i/5000%12+1)
	}
	in.WriteString(strings.Repeat("1.5,05/31/2024,x\n", 200))
	b := bucket(t)
	put(t, b, "f.csv", []byte(in.String()))
	d, err := New(b).Describe(context.Background(), source.Object{Files: &etl.FileOptions{}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := types(d), "n FLOAT64, when DATE (mdy), what STRING"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ in, says string }{
		"empty":       {"", "is empty"},
		"blank":       {"\n \n\n", "is empty"},
		"binary":      {"\x00\x01\x02\x03\x04\x05binary\x00\x00\x01\x02", "bytes that no text has"},
		"spreadsheet": {"PK\x03\x04\x14\x00\x06\x00", "spreadsheet"},
		"json":        {`[{"a":1},{"a":2}]`, "JSON"},
		"bad parquet": {"PAR1 is not enough", "not readable as Parquet"},
		"bad gzip":    {"\x1f\x8b\x08\x00broken", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bucket(t)
			put(t, b, "f.csv", []byte(c.in))
			_, err := New(b).Describe(context.Background(), source.Object{Files: &etl.FileOptions{Pattern: "*"}})
			if !problem.Is(err, problem.InvalidArgument) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestRejects(t *testing.T) {
	var in strings.Builder
	in.WriteString("id,qty,price\n")
	for i := range 100 {
		fmt.Fprintf(&in, "c%d,%d,%d.5\n", i, i, i)
	}
	in.WriteString("c100,many,1\nc101,1\nc102,1,2,3\n\"c103,1,2\nc104,5,\"6\"\n\xff\xfe,7,8\nc106,8,9,,\n")
	b := bucket(t)
	put(t, b, "f.csv", []byte(in.String()))
	_, got, _ := load(t, b, etl.FileOptions{Pattern: "*.csv", Encoding: "utf-8"}, 1<<20, true)
	var reasons []string
	for _, r := range got.Rejects {
		reasons = append(reasons, fmt.Sprintf("%d: %s", r.Line, r.Reason))
	}
	want := []string{
		`102: column qty: "many" is not an integer`,
		"103: the row has 2 fields, the file has 3 columns",
		"104: the row has 4 fields, the file has 3 columns",
		"105: text follows a closing quote",
		`107: column id: "��" is not valid text in the file's encoding`,
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
	if len(got.Rows) != 102 || got.Rows[100][0] != "c104" || got.Rows[101][0] != "c106" || got.Rows[0][3] != "f.csv" {
		t.Errorf("%d rows, last %v", len(got.Rows), got.Rows[len(got.Rows)-1])
	}
}

// The same rows come out under any chunking.
func TestChunkingChangesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var in bytes.Buffer
	in.WriteString("id,text,amount\n")
	for i := range 20_000 {
		switch rng.IntN(12) {
		case 0:
			fmt.Fprintf(&in, "%d,\"line one\nline, two \"\"quoted\"\"\n\",%d.25\n", i, i)
		case 1:
			fmt.Fprintf(&in, "%d,5\" pipe,%d\r\n", i, i)
		case 2:
			if i%50 == 0 {
				fmt.Fprintf(&in, "%d,\"stray,1\n", i)
			} else {
				fmt.Fprintf(&in, "\n%d,,\n", i)
			}
		default:
			fmt.Fprintf(&in, "%d,plain %d,%d.5\n", i, i, rng.IntN(1000))
		}
	}
	b := bucket(t)
	put(t, b, "x/f.csv", in.Bytes())
	o := etl.FileOptions{Prefix: "x/", Pattern: "*.csv"}
	_, whole, _ := load(t, b, o, 1<<30, false)
	sortRows(whole)
	if len(whole.Rejects) == 0 || len(whole.Rows) < 19_000 {
		t.Fatalf("%d rows, %d rejects: the case does not bite", len(whole.Rows), len(whole.Rejects))
	}
	for _, size := range []int64{200_000, 50_000, 7_777, 1_000} {
		_, got, _ := load(t, b, o, size, false)
		sortRows(got)
		if d := cmp.Diff(whole.Rows, got.Rows); d != "" {
			t.Fatalf("chunks of %d bytes: %s", size, d[:min(len(d), 1000)])
		}
		if len(got.Rejects) != len(whole.Rejects) {
			t.Errorf("chunks of %d bytes: %d rejects, want %d", size, len(got.Rejects), len(whole.Rejects))
		}
		for i := range got.Rejects {
			if got.Rejects[i].Line != whole.Rejects[i].Line {
				t.Fatalf("reject %d is on line %d, want %d", i, got.Rejects[i].Line, whole.Rejects[i].Line)
			}
		}
	}
	for name, data := range map[string][]byte{"gz": gz(t, in.Bytes()), "zst": zst(t, in.Bytes())} {
		b := bucket(t)
		put(t, b, "x/f.csv", data)
		_, got, _ := load(t, b, o, 1000, false)
		sortRows(got)
		if d := cmp.Diff(whole.Rows, got.Rows); d != "" {
			t.Fatalf("%s: %s", name, d[:min(len(d), 1000)])
		}
	}
}

func sortRows(c *sourcetest.Collector) {
	slices.SortFunc(c.Rows, slices.Compare[[]string])
	slices.SortFunc(c.Rejects, func(a, b source.Reject) int { return int(a.Line - b.Line) })
}

func gz(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t *testing.T, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

package etl

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"DiscountApplied(%)":     "discountapplied",
		"Customer ID":            "customer_id",
		"  __a--b__  ":           "a_b",
		"2024 sales":             "col_2024_sales",
		"":                       "column",
		"%%%":                    "column",
		"Дата продажи":           "data_prodazhi",
		"Код клиента":            "kod_klienta",
		"Größe":                  "grosse",
		"Ilość":                  "ilosc",
		"\xff\xfe":               "column",
		"_FILE_name":             "file_name",
		strings.Repeat("x", 400): strings.Repeat("x", 300),
	} {
		if got := Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNamesCollide(t *testing.T) {
	got := Names([]string{"A-B", "a_b", "a b", "_id", "id", "a_b_2", "", ""})
	want := []string{"a_b", "a_b_2", "a_b_3", "id", "id_2", "a_b_2_2", "column", "column_2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

var shape = regexp.MustCompile(`^[a-z][a-z0-9_]{0,299}$`)

func FuzzNames(f *testing.F) {
	f.Add("a", "A", strings.Repeat("я", 300))
	f.Add("", "\x00", "9")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		seen := map[string]bool{}
		for i, n := range Names([]string{a, b, c, a, b, c}) {
			if !shape.MatchString(n) || strings.HasSuffix(n, "_") {
				t.Fatalf("name %d is %q", i, n)
			}
			if seen[n] {
				t.Fatalf("%q comes twice", n)
			}
			seen[n] = true
			if Name(n) != n {
				t.Fatalf("Name(%q) = %q", n, Name(n))
			}
		}
	})
}

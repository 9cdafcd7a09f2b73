package objectstest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"

	"github.com/b2brecs/b2brecs/shared/objects"
)

func listOrder(t *testing.T, b *objects.Bucket, _ *finalized) {
	all := []string{"B", "a-b/1", "a.txt", "a/b", "a/b.c/x", "a0", "b/c/d", "b/c0", "ä"}
	for i := range all { // not in order
		must(t, b.Write(t.Context(), all[(i*5)%len(all)], []byte("x")))
	}
	for prefix, want := range map[string][]string{
		"":     all,
		"a":    {"a-b/1", "a.txt", "a/b", "a/b.c/x", "a0"},
		"a/":   {"a/b", "a/b.c/x"},
		"a/b":  {"a/b", "a/b.c/x"},
		"a/b.": {"a/b.c/x"},
		"b/c/": {"b/c/d"},
		"ä":    {"ä"},
		"zz":   {},
	} {
		if d := cmp.Diff(want, keys(t, b, prefix)); d != "" {
			t.Errorf("prefix %q (-want +got):\n%s", prefix, d)
		}
	}
}

func listPages(t *testing.T, b *objects.Bucket, _ *finalized) {
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("p/%02d/f%d", i/3, i%3)
		want = append(want, key)
		must(t, b.Write(t.Context(), key, []byte("x")))
	}
	for _, size := range []int{1, 4, 25, 100} {
		var got []string
		token := blob.FirstPageToken
		for len(token) > 0 {
			page, next, err := b.ListPage(t.Context(), token, size, &blob.ListOptions{Prefix: "p/"})
			must(t, err)
			if len(page) > size || len(page) == 0 {
				t.Fatalf("a page of %d holds %d", size, len(page))
			}
			for _, o := range page {
				got = append(got, o.Key)
			}
			token = next
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, d)
		}
	}
}

func delimiter(t *testing.T, b *objects.Bucket, _ *finalized) {
	for _, key := range []string{"run/a/1", "run/a/2", "run/b/x/y", "run/c", "run.txt"} {
		must(t, b.Write(t.Context(), key, []byte("x")))
	}
	for _, size := range []int{1, 10} {
		var got []string
		token := blob.FirstPageToken
		for len(token) > 0 {
			page, next, err := b.ListPage(t.Context(), token, size, &blob.ListOptions{Prefix: "run/", Delimiter: "/"})
			must(t, err)
			for _, o := range page {
				got = append(got, fmt.Sprint(o.Key, " ", o.IsDir))
			}
			token = next
		}
		if d := cmp.Diff([]string{"run/a/ true", "run/b/ true", "run/c false"}, got); d != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, d)
		}
	}
}

func deletePrefix(t *testing.T, b *objects.Bucket, _ *finalized) {
	for _, key := range []string{"x/1", "x/2/3", "x2", "y"} {
		must(t, b.Write(t.Context(), key, []byte("x")))
	}
	must(t, b.DeletePrefix(t.Context(), "x/"))
	must(t, b.DeletePrefix(t.Context(), "x/"))
	if d := cmp.Diff([]string{"x2", "y"}, keys(t, b, "")); d != "" {
		t.Error(d)
	}
	must(t, b.Write(t.Context(), "x", []byte("the emptied folder's name is free")))
}

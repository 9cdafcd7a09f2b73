package fault

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// A method that joins an interface needs a rule before its wrapper is used.
func TestRules(t *testing.T) {
	// Not of an interface, or not under its name.
	byHand := []string{"events.Handler", "objects.Writer.Close", "http.RoundTrip"}
	want := slices.Sorted(slices.Values(append(slices.Clone(methods), byHand...)))
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(rules))); d != "" {
		t.Errorf("methods (-) and rules (+):\n%s", d)
	}
}

// What the caller and the driver see of each kind.
func TestKinds(t *testing.T) {
	for k, want := range map[Kind]struct {
		effects int
		reply   string
		failed  bool
	}{
		Error: {0, "", true}, Delay: {1, "1", false}, Lost: {1, "", true}, Duplicate: {2, "2", false}, "": {1, "1", false},
	} {
		f := New(1, Rates{k: 1})
		effects := 0
		got, err := call1(t.Context(), f, "warehouse.Commit", func() (string, error) {
			effects++
			return string(rune('0' + effects)), nil
		})
		if effects != want.effects || got != want.reply || problem.Is(err, problem.Unavailable) != want.failed {
			t.Errorf("%q: %d effects, reply %q, %v", k, effects, got, err)
		}
		if k != "" && f.Count(k) != 1 {
			t.Errorf("%q: counted %d", k, f.Count(k))
		}
	}
}

func TestOneSeedOneFate(t *testing.T) {
	fates := func(seed uint64, others int) (out []Kind) {
		f := New(seed, Each(0.05))
		for range 2000 {
			for range others {
				f.next("state.Get")
			}
			out = append(out, f.next("warehouse.Commit"))
		}
		return out
	}
	first := fates(1, 0)
	if d := cmp.Diff(first, fates(1, 3)); d != "" {
		t.Errorf("calls of another method change what happens:\n%s", d)
	}
	if cmp.Equal(first, fates(2, 0)) {
		t.Error("two seeds are one")
	}
	for _, k := range Kinds {
		n := 0
		for _, got := range first {
			if got == k {
				n++
			}
		}
		if n < 60 || n > 140 { // 100 expected, standard deviation 10
			t.Errorf("%d of 2000 calls have %q", n, k)
		}
	}
}

func TestOnly(t *testing.T) {
	f := New(1, Rates{Error: 1}, "warehouse.Commit", "state")
	for method, fails := range map[string]bool{"warehouse.Commit": true, "warehouse.Drop": false, "state.Get": true, "state.DriverTx.Put": true} {
		if err := call(t.Context(), f, method, func() error { return nil }); (err != nil) != fails {
			t.Errorf("%s: %v", method, err)
		}
	}
	// What a method does not take it does not get.
	if err := call(t.Context(), New(1, Rates{Lost: 1}), "state.Get", func() error { return nil }); err != nil {
		t.Error(err)
	}
}

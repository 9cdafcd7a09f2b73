package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Kind of a fault.
type Kind string

const (
	Error     Kind = "error"      // Unavailable; nothing happened
	Delay     Kind = "delay"      // the call waits, then goes on
	Lost      Kind = "lost reply" // the effect happened; the caller is told Unavailable
	Duplicate Kind = "duplicate"  // the call is made twice; the second reply is given
)

// Kinds are all of them.
var Kinds = []Kind{Error, Delay, Lost, Duplicate}

// Rates are shares of calls, 0 to 1, by kind. A call has one fault at most, and none
// where the method does not take the kind.
type Rates map[Kind]float64

// Each gives the same rate to every kind.
func Each(rate float64) Rates {
	return Rates{Error: rate, Delay: rate, Lost: rate, Duplicate: rate}
}

// longest is the longest delay, long enough for others to overtake.
const longest = 30 * time.Millisecond

// Faults decides which calls fail, and counts; New makes it.
type Faults struct {
	seed  uint64
	rates Rates
	only  []string

	mu     sync.Mutex
	calls  map[string]uint64
	counts map[Kind]map[string]int
}

// New makes a plan of faults. only names the methods that take part, as
// "warehouse.Commit" or "warehouse" for all of an API; none means all.
func New(seed uint64, rates Rates, only ...string) *Faults {
	return &Faults{seed: seed, rates: rates, only: only, calls: map[string]uint64{}, counts: map[Kind]map[string]int{}}
}

// Count gives how many faults of a kind there were.
func (f *Faults) Count(k Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.counts[k] {
		n += c
	}
	return n
}

// Calls gives how many calls were asked about.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := uint64(0)
	for _, c := range f.calls {
		n += c
	}
	return int(n)
}

// String lists what was done to whom.
func (f *Faults) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d calls", f.seed, f.Calls())
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range Kinds {
		n, names := 0, []string{}
		for m, c := range f.counts[k] {
			n += c
			names = append(names, fmt.Sprintf("%s %d", m, c))
		}
		slices.Sort(names)
		fmt.Fprintf(&b, "\n%5d %-10s %s", n, k, strings.Join(names, ", "))
	}
	return b.String()
}

// next decides about the next call of a method; "" is no fault.
func (f *Faults) next(method string) Kind {
	if len(f.only) > 0 && !slices.ContainsFunc(f.only, func(o string) bool { return method == o || strings.HasPrefix(method, o+".") }) {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls[method]
	f.calls[method]++
	u := roll(f.seed, method, n).Float64()
	for _, k := range Kinds {
		if u -= f.rates[k]; u >= 0 {
			continue
		}
		if !slices.Contains(rules[method], k) {
			return ""
		}
		if f.counts[k] == nil {
			f.counts[k] = map[string]int{}
		}
		f.counts[k][method]++
		return k
	}
	return ""
}

// roll gives the dice of one call.
func roll(seed uint64, method string, n uint64) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(method) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h^n*0x9e3779b97f4a7c15))
}

// injected is what a caller is told of a call that failed on purpose.
func injected(k Kind, method string) error {
	return problem.New(problem.Unavailable, "%s failed on purpose: %s", method, k)
}

// wait lets some time pass before a call.
func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(longest)):
		return nil
	}
}

// call makes a call with what is decided about it.
func call(ctx context.Context, f *Faults, method string, fn func() error) error {
	k := f.next(method)
	switch k {
	case Error:
		return injected(k, method)
	case Delay:
		if err := wait(ctx); err != nil {
			return err
		}
	case Duplicate:
		// The first reply is the one that nobody hears.
		_ = fn()
	}
	err := fn()
	if err == nil && k == Lost {
		err = injected(k, method)
	}
	return err
}

func call1[A any](ctx context.Context, f *Faults, method string, fn func() (A, error)) (a A, _ error) {
	var none A
	err := call(ctx, f, method, func() (err error) { a, err = fn(); return err })
	if err != nil {
		return none, err
	}
	return a, nil
}

func call2[A, B any](ctx context.Context, f *Faults, method string, fn func() (A, B, error)) (a A, b B, _ error) {
	var noA A
	var noB B
	err := call(ctx, f, method, func() (err error) { a, b, err = fn(); return err })
	if err != nil {
		return noA, noB, err
	}
	return a, b, nil
}

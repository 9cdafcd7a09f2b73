package interpreter

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func mustLoad(t *testing.T, src string) *definition {
	t.Helper()
	def, err := load("t.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return def
}

func TestStepLimit(t *testing.T) {
	m := drive(t, testMachine(mustLoad(t, "main:\n  steps:\n    - again:\n        next: again\n"), nil), maxSteps+10, false)
	if m.failure == nil || !hasTag(m.failure.payload, TagResourceLimit) || m.st.Steps != maxSteps+1 {
		t.Errorf("%v after %d steps", m.failure, m.st.Steps)
	}
	if p := failureProblem(m.failure); p.Code != problem.ResourceExhausted || p.Step != "main.again, line 3" {
		t.Errorf("%+v", p)
	}
}

func TestBackoff(t *testing.T) {
	tests := []struct {
		name, retry string
		want        []float64 // seconds
	}{
		{"default policy", "retry: ${http.default_retry}", []float64{1, 1.25, 1.5625, 1.953125, 2.44140625}},
		{"own", "retry: {predicate: '${retry.always}', max_retries: 6, backoff: {initial_delay: 2, max_delay: 20, multiplier: 3}}",
			[]float64{2, 6, 18, 20, 20, 20}},
		{"default backoff", "retry: {predicate: '${retry.always}', max_retries: 2, backoff: '${retry.default_backoff}'}", []float64{1, 1.25}},
		{"none", "retry: {predicate: '${retry.always}', max_retries: 0}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := testMachine(mustLoad(t, "main:\n  steps:\n    - a:\n        try:\n          raise: {message: m, tags: [TimeoutError]}\n        "+tt.retry+"\n"), nil)
			var got []float64
			for !m.done {
				th := m.st.Threads[0]
				if th.Wait != nil {
					got = append(got, th.Wait.Until.Sub(m.sys.now()).Seconds())
					m.complete(th, nil, nil)
					m = through(t, m)
					continue
				}
				m.advance(th)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("delays (-want +got):\n%s", diff)
			}
			if m.failure == nil || m.failure.message() != "m" {
				t.Errorf("%v, %v", m.result, m.failure)
			}
		})
	}
}

func TestSleepKeepsItsMoment(t *testing.T) {
	m := testMachine(mustLoad(t, "main:\n  steps:\n    - a:\n        call: sys.sleep\n        args: {seconds: 90}\n"), nil)
	m.advance(m.st.Threads[0])
	m = through(t, m)
	if want := m.sys.now().Add(90 * time.Second); !m.st.Threads[0].Wait.Until.Equal(want) {
		t.Errorf("wakes at %v, want %v", m.st.Threads[0].Wait.Until, want)
	}
}

// value draws a workflow value.
func value(depth int) *rapid.Generator[any] {
	gens := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).AsAny(),
		rapid.String().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(),
	}
	if depth > 0 {
		gens = append(gens,
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "list") }),
			rapid.Custom(func(t *rapid.T) any {
				keys := rapid.OneOf(rapid.StringMatching(`\$*b?[a-z]*`), rapid.String())
				return rapid.MapOfN(keys, value(depth-1), 0, 4).Draw(t, "map")
			}))
	}
	return rapid.OneOf(gens...)
}

func TestCheckpointKeepsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := value(3).Draw(t, "value")
		b, err := json.Marshal(boxed{want})
		if err != nil {
			t.Fatal(err)
		}
		var got boxed
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.V); diff != "" {
			t.Fatalf("%s:\n%s", b, diff)
		}
		if !equal(want, got.V) || typeName(want) != typeName(got.V) {
			t.Fatalf("%#v and %#v are not equal", want, got.V)
		}
	})
}

func TestIntegersNeverWrap(t *testing.T) {
	small := rapid.Int64Range(-9, 9)
	edge := rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1, 1 << 32, -(1 << 32), 3037000500})
	number := rapid.OneOf(small, edge, rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		for _, op := range []string{"+", "-", "*", "//", "%"} {
			x, y, z := big.NewInt(a), big.NewInt(b), new(big.Int)
			got, err := intArithmetic(op, a, b)
			if b == 0 && (op == "//" || op == "%") {
				var r *raised
				if !errors.As(err, &r) || !hasTag(r.payload, TagZeroDivision) {
					t.Fatalf("%d %s 0: %v, %v", a, op, got, err)
				}
				continue
			}
			switch op {
			case "+":
				z.Add(x, y)
			case "-":
				z.Sub(x, y)
			case "*":
				z.Mul(x, y)
			default: // floored: Go's Euclidean result corrected for a negative divisor
				q, m := new(big.Int).DivMod(x, y, new(big.Int))
				if b < 0 && m.Sign() != 0 {
					q.Sub(q, big.NewInt(1))
					m.Add(m, y)
				}
				if z = m; op == "//" {
					z = q
				}
			}
			if z.IsInt64() != (err == nil) || err == nil && got != z.Int64() {
				t.Fatalf("%d %s %d: %v, %v; want %s", a, op, b, got, err, z)
			}
		}
	})
}

func TestReplacedLeavesTheOldAlone(t *testing.T) {
	old := map[string]any{"l": []any{int64(1), map[string]any{"k": "v"}}}
	before, _ := toJSON(old)
	got, err := replaced(old, []any{"l", int64(1), "k"}, "new")
	if err != nil {
		t.Fatal(err)
	}
	after, _ := toJSON(old)
	changed, _ := toJSON(got)
	if string(before) != string(after) || string(changed) != `{"l":[1,{"k":"new"}]}` {
		t.Errorf("%s, %s", after, changed)
	}
}

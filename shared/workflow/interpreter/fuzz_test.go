package interpreter

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// testMachine runs a definition in memory.
func testMachine(def *definition, arg any) *machine {
	m := &machine{def: def, log: slog.New(slog.DiscardHandler), sys: sysInfo{
		now:    func() time.Time { return time.Unix(1_700_000_000, 0).UTC() },
		getenv: func(name string) (string, bool) { return "value", name == "COLOUR" },
	}, newEndpoint: func(string) (string, string) { return "e1", "http://callbacks/x/e1" }}
	m.begin(arg)
	return m
}

// through gives the machine as a restarted process would see it.
func through(t testing.TB, m *machine) *machine {
	t.Helper()
	b, err := json.Marshal(m.st)
	if err != nil {
		t.Fatal(err)
	}
	again := *m
	again.st = &snapshot{}
	if err := json.Unmarshal(b, again.st); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return &again
}

// drive runs a machine for at most n steps; whatever it waits for gives nil at once.
func drive(t testing.TB, m *machine, n int, restart bool) *machine {
	for ; n > 0 && !m.done; n-- {
		if restart {
			m = through(t, m)
		}
		moved := false
		for _, th := range m.st.Threads {
			if th.Wait != nil && th.Wait.Kind != waitJoin {
				m.complete(th, nil, nil)
				moved = true
				break
			}
		}
		if ready := m.runnable(); !moved && !m.done && len(ready) > 0 {
			m.advance(ready[0])
			moved = true
		}
		if !moved {
			t.Fatalf("nothing moves: %+v", m.st)
		}
	}
	return m
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{`1 + 2 * 3`, `a.b["c"][0]`, `not (x in [1, "a", {"k": null}])`, `text.split("a,b", ",")[1]`,
		`-1 // 0 % 2.5e3 >= 1`, `if(true, 'x', "\n")`, `((`, `"`, `len(`, `{"a": }`, `1.`, `9223372036854775807 * 2`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		x, err := parseExpr(src)
		if err != nil {
			var e *exprError
			if !errors.As(err, &e) || e.pos < 0 || e.pos > len(src) || e.msg == "" {
				t.Fatalf("%q: %#v", src, err)
			}
			return
		}
		v := &env{
			lookup: func(name string) (any, bool) { return []any{int64(1), "s", map[string]any{"b": 2.5}}, name == "a" },
			call:   func(fn string, _ []any) (any, error) { return nil, raise(TagKey, "%s", fn) },
			sys:    testMachine(&definition{routines: map[string]*routine{"main": {body: &block{}}}}, nil).sys,
		}
		got, err := eval(x, v)
		var r *raised
		if err != nil && !errors.As(err, &r) {
			t.Fatalf("%q: an error that cannot be caught: %v", src, err)
		}
		if err == nil && typeName(got) == "unknown" {
			t.Fatalf("%q gives a %T", src, got)
		}
	})
}

// FuzzLoad loads anything, and runs what loads, with and without restarts.
func FuzzLoad(f *testing.F) {
	_ = fs.WalkDir(os.DirFS("../workflowtest/testdata/cases"), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "workflow.yaml" {
			src, _ := os.ReadFile("../workflowtest/testdata/cases/" + p)
			f.Add(src)
		}
		return err
	})
	f.Fuzz(func(t *testing.T, src []byte) {
		def, err := load("f.yaml", src)
		if err != nil {
			var p *problem.Error
			if !errors.As(err, &p) || len(p.Fields) == 0 || p.Fields[0].Location == "" {
				t.Fatalf("a refusal without a place: %v", err)
			}
			return
		}
		arg := map[string]any{"url": "http://127.0.0.1:1", "n": int64(7), "max": int64(1), "delay": 0.5, "from": 0.5}
		a := drive(t, testMachine(def, arg), 300, false)
		b := drive(t, testMachine(def, arg), 300, true)
		if a.done != b.done || !equalOutcome(a, b) {
			t.Fatalf("restarts change the outcome: %v %v, %v %v", a.result, a.failure, b.result, b.failure)
		}
	})
}

// equalOutcome compares results, except those that hold random or large parts.
func equalOutcome(a, b *machine) bool {
	if (a.failure == nil) != (b.failure == nil) {
		return false
	}
	return a.failure != nil && a.failure.message() == b.failure.message() || a.failure == nil && typeName(a.result) == typeName(b.result)
}

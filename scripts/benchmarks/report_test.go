package main

import (
	"strings"
	"testing"
)

// A figure that misses its bar fails the run and is marked on the page; the median counts.
func TestMissed(t *testing.T) {
	r := report{Rounds: 3, Bars: []bar{
		{What: "quick enough", Values: []float64{90, 300, 150}, Unit: "ms", Most: limit(200)},
		{What: "for itself", Values: []float64{1}},
		{What: "many enough", Values: []float64{100, 100, 100}, Unit: "/s", Least: limit(100)},
	}, Measures: []measure{{Name: "one", Rows: 10, Seconds: 2}}}
	if err := r.missed(); err != nil || strings.Contains(r.markdown(), "missed") {
		t.Errorf("nothing is missed, but %v", err)
	}
	r.Bars = append(r.Bars, bar{What: "too late", Values: []float64{1, 2, 3}, Unit: "s", Most: limit(1)}, bar{What: "too few", Values: []float64{0.5}, Least: limit(0.6)})
	err := r.missed()
	if err == nil || err.Error() != "missed:\n  too late: 2.00 s, wanted ≤ 1.00 s\n  too few: 0.50, wanted ≥ 0.60" {
		t.Errorf("%v", err)
	}
	for _, line := range []string{
		"| quick enough | 150 ms | 90.00 ms to 300 ms | ≤ 200 ms | holds |",
		"| for itself | 1.00 | 1.00 to 1.00 | – |  |",
		"| too late | 2.00 s | 1.00 s to 3.00 s | ≤ 1.00 s | **missed** |",
		"| one | 10 | 5 | 2.00 |  |  |",
	} {
		if !strings.Contains(r.markdown(), line+"\n") {
			t.Errorf("the page lacks %q:\n%s", line, r.markdown())
		}
	}
}

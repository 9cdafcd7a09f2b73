package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
)

type stamp struct {
	At time.Time `json:"at"`
}

// measure publishes total events, one at a time per publisher,
// and gives the sorted times from before Publish to the first line of the handler.
func measure(tb testing.TB, total, publishers int) []time.Duration {
	tb.Helper()
	bus := open(tb, filepath.Join(tb.TempDir(), "events.db"))
	defer bus.Close(tb.Context())
	topic := events.Topic[stamp]{Name: "latency", Type: "b2brecs.test.v1"}
	var mu sync.Mutex
	took := make([]time.Duration, 0, total)
	done := make(chan struct{})
	err := bus.Subscribe(events.Subscription{Name: "latency", Topic: topic.Name, Concurrency: 8, Handler: func(_ context.Context, m events.Message) error {
		now := time.Now()
		v, err := events.Decode(topic, m)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if took = append(took, now.Sub(v.At)); len(took) == total {
			close(done)
		}
		return nil
	}})
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range total / publishers {
				if err := events.Publish(tb.Context(), bus, topic, fmt.Sprintf("%d-%d", p, i), "", stamp{time.Now()}); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	wg.Wait()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		tb.Fatal("not all events arrived")
	}
	slices.Sort(took)
	return took
}

// TestLatency: from Publish to the handler, commit included. The product's bar is
// p50 at most 5 ms and p99 at most 50 ms over 10,000 events on a machine of one's
// own; the benchmark holds it. Here other packages' tests share the disk and the
// cores, which can spoil a measurement but never improve one: the best of five
// counts, and p99 has room for a stalled disk, though none for polling.
func TestLatency(t *testing.T) {
	best50, best99 := time.Hour, time.Hour
	for range 5 {
		took := measure(t, 4000, 8)
		p50, p99 := took[len(took)/2], took[len(took)*99/100]
		t.Logf("p50 %v, p99 %v, worst %v", p50, p99, took[len(took)-1])
		best50, best99 = min(best50, p50), min(best99, p99)
		if p50 <= 5*time.Millisecond && p99 <= 50*time.Millisecond {
			return
		}
	}
	if best50 > 5*time.Millisecond || best99 > 200*time.Millisecond {
		t.Errorf("best p50 %v, best p99 %v", best50, best99)
	}
}

func BenchmarkPublishToHandler(b *testing.B) {
	took := measure(b, max(b.N, 8)/8*8, 8)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

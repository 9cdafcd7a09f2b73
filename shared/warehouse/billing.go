package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Billing is what reading costs on an engine that charges by the bytes read, and
// how much one statement may read.
type Billing struct {
	USDPerTiB float64 // list price of 2^40 bytes
	MaxBytes  int64   // of one statement; more is refused before it runs
	// Setting names what MaxBytes is set by, for whoever is refused.
	Setting string
}

// Cost is what a statement reads, as the engine estimates before it runs, at most.
type Cost struct {
	Bytes int64   `json:"bytes" doc:"The statement reads, at most."`
	USD   float64 `json:"usd" doc:"At the list price of reading on demand, without taxes, discounts and free tier; the price of the region may differ."`
}

// NewBilled makes a warehouse on a driver that charges for reading: Query,
// Materialize and Export estimate a statement first, and FailedPrecondition
// refuses one that would read more than the limit. Own lookups (Statement.Lookup)
// are bounded by the driver alone.
func NewBilled(drv Driver, b Billing) *Warehouse {
	return &Warehouse{Driver: drv, billing: &b, known: &estimates{list: map[string]estimated{}}}
}

// Cost is what reading that many bytes costs; nil where reading is free.
func (w *Warehouse) Cost(bytes int64) *Cost {
	if w.billing == nil {
		return nil
	}
	return &Cost{bytes, float64(bytes) / (1 << 40) * w.billing.USDPerTiB}
}

// afford estimates a statement and gives it its limit. Without billing it does nothing.
func (w *Warehouse) afford(ctx context.Context, s *Statement) (*Cost, error) {
	if w.billing == nil {
		return nil, nil
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = w.billing.MaxBytes
	}
	if s.Lookup {
		return nil, nil
	}
	key := s.key()
	bytes, ok := w.known.get(key)
	if !ok {
		est, err := w.Driver.DryRun(ctx, *s)
		if err != nil {
			return nil, err
		}
		bytes = est.Bytes
		w.known.put(key, bytes)
	}
	if bytes > s.MaxBytes {
		e := problem.New(problem.FailedPrecondition, "the statement would read %s; one statement may read %s", gigabytes(bytes), gigabytes(s.MaxBytes)).
			WithCause("reading it would cost about $%.2f at list price", w.Cost(bytes).USD)
		next := "Select fewer columns, or filter by the column that the table is partitioned by."
		if w.billing.Setting != "" {
			next += fmt.Sprintf(" Or let the installation read more: %s.", w.billing.Setting)
		}
		return nil, e.WithNext(problem.TurnYou, "%s", next)
	}
	return w.Cost(bytes), nil
}

// gigabytes writes a size in powers of 1,000, rounded up: what is over a limit never
// reads like the limit itself.
func gigabytes(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB", "EB"}
	i, step := 0, int64(1)
	for ; n/step >= 1000 && i < len(units)-1; i++ {
		step *= 1000
	}
	if i == 0 {
		return fmt.Sprint(n, " bytes")
	}
	tenths := n / (step / 10)
	if n%(step/10) > 0 {
		tenths++
	}
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", tenths/10, tenths%10), ".0") + " " + units[i]
}

// key tells statements apart that may read different amounts.
func (s Statement) key() string {
	names := make([]string, 0, len(s.Params))
	for n := range s.Params {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(s.SQL)
	for _, n := range names {
		fmt.Fprintf(&b, "\x00%s=%#v", n, s.Params[n])
	}
	return b.String()
}

const (
	// estimateLife is how long an estimate is believed: a page asks for the same rows
	// again within seconds, and a load in between changes the amount by little.
	estimateLife = time.Minute
	maxEstimates = 256
)

// estimates remembers what was told lately, so that the same statement costs one
// request more once and not each time.
type estimates struct {
	mu   sync.Mutex
	list map[string]estimated
}

type estimated struct {
	bytes int64
	until time.Time
}

func (e *estimates) get(key string) (int64, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	found, ok := e.list[key]
	return found.bytes, ok && time.Now().Before(found.until)
}

func (e *estimates) put(key string, bytes int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) >= maxEstimates {
		clear(e.list)
	}
	e.list[key] = estimated{bytes, time.Now().Add(estimateLife)}
}

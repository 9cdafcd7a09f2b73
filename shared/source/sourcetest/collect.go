package sourcetest

import (
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/b2brecs/b2brecs/shared/source"
)

// Collector is a sink that keeps everything as text, for comparisons.
type Collector struct {
	mu      sync.Mutex
	Names   []string
	Rows    [][]string // NULL is "∅"
	Rejects []source.Reject
}

// Null stands for NULL in Collector.Rows.
const Null = "∅"

// Batch implements source.Sink.
func (c *Collector) Batch(rec arrow.RecordBatch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Names == nil {
		for _, f := range rec.Schema().Fields() {
			c.Names = append(c.Names, f.Name)
		}
	}
	for i := range int(rec.NumRows()) {
		row := make([]string, rec.NumCols())
		for j := range row {
			if col := rec.Column(j); col.IsNull(i) {
				row[j] = Null
			} else if d, ok := col.(*array.Decimal128); ok {
				row[j] = plain(d.Value(i).ToString(d.DataType().(arrow.DecimalType).GetScale()))
			} else {
				row[j] = col.ValueStr(i)
			}
		}
		c.Rows = append(c.Rows, row)
	}
	return nil
}

// plain cuts the zeros a scale adds.
func plain(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// Reject implements source.Sink.
func (c *Collector) Reject(r source.Reject) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Rejects = append(c.Rejects, r)
	return nil
}

package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// feature adds the operations of one feature and gives its parts of the tower's input.
func (b *builder) feature(at string, c *Column, f feature.Feature) []TowerInput {
	b.allowed(at, f)
	switch f.DataType {
	case feature.Text:
		return b.text(at, c, f)
	case feature.Numeric, feature.Temporal:
		return b.number(at, c, f)
	}
	b.bad(at+".data_type", "must be text, numeric or temporal, not %q", string(f.DataType))
	return nil
}

// allowed refuses transforms that the data type does not have, and data types
// that the column's type cannot take.
func (b *builder) allowed(at string, f feature.Feature) {
	refuse := func(set bool, field string, types ...feature.DataType) {
		if set && !slices.Contains(types, f.DataType) {
			b.bad(at+"."+field, "a %s feature has no %s", f.DataType, field)
		}
	}
	refuse(f.Embedding != nil, "embedding", feature.Text)
	refuse(f.Normalize != nil, "normalize", feature.Numeric, feature.Temporal)
	refuse(f.Bucketize != nil, "bucketize", feature.Numeric, feature.Temporal)
	refuse(f.Cyclical != nil, "cyclical", feature.Temporal)

	typ := f.Type
	for _, c := range b.columns {
		if c.Name == f.Column {
			typ = c.Type
		}
	}
	switch {
	case b.ids[f.Column]:
		if f.DataType != feature.Text && !f.PrimaryID {
			b.bad(at+".data_type", "%q is an id and reaches the model as text", f.Column)
		}
	case typ == "":
	case typ == warehouse.JSON || typ == warehouse.Geography:
		b.bad(at+".column", "a %s column cannot be a feature", typ)
	case f.DataType == feature.Numeric && !slices.Contains([]warehouse.Type{warehouse.Int64, warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric, warehouse.Bool}, typ):
		b.bad(at+".data_type", "a %s column cannot be numeric", typ)
	case f.DataType == feature.Temporal && !slices.Contains([]warehouse.Type{warehouse.Date, warehouse.DateTime, warehouse.Timestamp, warehouse.Int64}, typ):
		b.bad(at+".data_type", "a %s column cannot be temporal; dates, timestamps and Unix seconds can", typ)
	}
}

func vocabulary(e *feature.Embedding) Op {
	return Op{Kind: Vocabulary, MaxSize: e.MaxSize, MinFrequency: max(e.MinFrequency, 1), OOV: max(e.OOVBuckets, 1)}
}

func (b *builder) text(at string, c *Column, f feature.Feature) []TowerInput {
	e := f.Embedding
	if e == nil {
		b.bad(at+".embedding", "a text feature needs an embedding")
		return nil
	}
	b.between(at+".embedding.dim", e.Dim, 4, 1024)
	b.between(at+".embedding.max_size", e.MaxSize, 0, 10_000_000)
	b.between(at+".embedding.oov_buckets", e.OOVBuckets, 0, 1000)
	b.between(at+".embedding.min_frequency", e.MinFrequency, 0, 1_000_000)
	op := b.op(c, vocabulary(e))
	rows := f.Cardinality
	if e.MaxSize > 0 && rows > int64(e.MaxSize) {
		rows = int64(e.MaxSize)
	}
	return []TowerInput{{Key: op.Key, Column: c.Key, Label: c.Name, Dim: e.Dim, Embed: true, Vocab: op.Vocab(), Rows: op.OOV, Expected: rows + int64(op.OOV)}}
}

// number covers numeric and temporal features: normalised value, calendar
// cycles, buckets, in that order.
func (b *builder) number(at string, c *Column, f feature.Feature) []TowerInput {
	var out []TowerInput
	temporal := f.DataType == feature.Temporal
	if f.Normalize != nil {
		op := b.op(c, b.normalize(at+".normalize", f.Normalize, temporal))
		out = append(out, TowerInput{Key: op.Key, Column: c.Key, Label: c.Name, Dim: 1})
	}
	if y := f.Cyclical; y != nil && temporal {
		on := map[string]bool{"yearly": y.Yearly, "quarterly": y.Quarterly, "monthly": y.Monthly, "weekly": y.Weekly, "daily": y.Daily}
		for _, period := range cycles {
			if !on[period] {
				continue
			}
			op := b.op(c, Op{Kind: Cycle, Period: period, Temporal: true})
			for _, half := range []string{"_sin", "_cos"} {
				out = append(out, TowerInput{Key: op.Key + half, Column: c.Key, Label: c.Name, Dim: 1})
			}
		}
	}
	if f.Bucketize != nil {
		out = append(out, b.bucketize(at+".bucketize", c, f.Bucketize, temporal))
	}
	if len(out) == 0 {
		b.bad(at, "%q has no transform: choose %s", f.Column, map[bool]string{false: "normalisation or buckets", true: "a calendar cycle, normalisation or buckets"}[temporal])
	}
	return out
}

func (b *builder) normalize(at string, n *feature.Normalize, temporal bool) Op {
	op := Op{Kind: Normalize, Scale: n.Kind, Temporal: temporal}
	switch n.Kind {
	case "zscore", "log_zscore":
	case "minmax", "log_minmax":
		switch n.Range {
		case [2]float64{}, [2]float64{-1, 1}:
			op.Range = []float64{-1, 1}
		case [2]float64{0, 1}:
			op.Range = []float64{0, 1}
		default:
			b.bad(at+".range", "must be -1 to 1 or 0 to 1")
		}
	default:
		b.bad(at+".kind", "must be zscore, minmax, log_zscore or log_minmax, not %q", n.Kind)
	}
	if temporal && strings.HasPrefix(n.Kind, "log_") {
		b.bad(at+".kind", "a time has no logarithm; use zscore or minmax")
	}
	return op
}

// bucketize adds a bucket id. The table has one row more than there are buckets,
// for a value that is not a number.
func (b *builder) bucketize(at string, c *Column, z *feature.Bucketize, temporal bool) TowerInput {
	b.between(at+".dim", z.Dim, 4, 128)
	op := Op{Kind: Quantiles, Buckets: z.Buckets, Temporal: temporal}
	rows := z.Buckets + 1
	if len(z.Boundaries) > 0 {
		op = Op{Kind: Boundaries, Bounds: slices.Clone(z.Boundaries), Temporal: temporal}
		rows = len(z.Boundaries) + 2
		switch {
		case !finite(z.Boundaries...):
			op.Bounds = nil
			b.bad(at+".boundaries", "must be finite numbers")
		case len(z.Boundaries) > 1000:
			b.bad(at+".boundaries", "has %d values; at most 1000", len(z.Boundaries))
		case !increasing(z.Boundaries):
			b.bad(at+".boundaries", "must increase strictly, also as 32-bit floats")
		}
	} else {
		b.between(at+".buckets", z.Buckets, 2, 1000)
	}
	have := b.op(c, op)
	return TowerInput{Key: have.Key, Column: c.Key, Label: c.Name, Dim: z.Dim, Embed: true, Rows: rows, Expected: int64(rows)}
}

// increasing holds in float32, the precision in which the graph compares.
func increasing(values []float64) bool {
	for i := 1; i < len(values); i++ {
		if float32(values[i]) <= float32(values[i-1]) {
			return false
		}
	}
	return true
}

func (b *builder) crosses(name, prefix string, t feature.Tower, tower *Tower) {
	if len(t.Crosses) > maxCrosses {
		b.bad(name+".crosses", "has %d crosses; at most %d", len(t.Crosses), maxCrosses)
	}
	seen := map[string]bool{}
	for i, x := range t.Crosses {
		at := fmt.Sprintf("%s.crosses[%d]", name, i)
		cross := Cross{Key: fmt.Sprintf("%sx%02d", prefix, i), Buckets: x.HashBuckets}
		b.between(at+".hash_buckets", x.HashBuckets, 100, 100_000)
		b.between(at+".dim", x.Dim, 4, 64)
		if len(x.Features) < 2 || len(x.Features) > 3 {
			b.bad(at+".features", "a cross has 2 or 3 members, not %d", len(x.Features))
		}
		var labels, keys []string
		for j, m := range x.Features {
			if member, ok := b.member(fmt.Sprintf("%s.features[%d]", at, j), t, tower, m); ok {
				cross.Members = append(cross.Members, member)
			}
			labels = append(labels, m.Column)
			keys = append(keys, fmt.Sprintf("%s/%d", m.Column, m.Buckets))
		}
		slices.Sort(keys)
		if id := strings.Join(keys, " "); seen[id] {
			b.bad(at, "the same cross is in this tower already")
		} else {
			seen[id] = true
		}
		if slices.Sort(labels); len(slices.Compact(slices.Clone(labels))) < len(labels) {
			b.bad(at+".features", "a column may be a member once")
		}
		tower.Crosses = append(tower.Crosses, cross)
		tower.Inputs = append(tower.Inputs, TowerInput{Key: cross.Key, Label: crossLabel(x), Dim: x.Dim, Embed: true, Rows: x.HashBuckets, Expected: int64(x.HashBuckets), Cross: true})
	}
}

func (b *builder) member(at string, t feature.Tower, tower *Tower, m feature.CrossMember) (CrossMember, bool) {
	i := slices.IndexFunc(t.Features, func(f feature.Feature) bool { return f.Column == m.Column })
	j := slices.IndexFunc(tower.Columns, func(c *Column) bool { return c.Name == m.Column })
	if i < 0 || j < 0 {
		b.bad(at+".column", "%q is not a feature of this tower", m.Column)
		return CrossMember{}, false
	}
	f, c := t.Features[i], tower.Columns[j]
	if f.DataType == feature.Text {
		if m.Buckets != 0 {
			b.bad(at+".buckets", "a text member has no buckets")
		}
		return CrossMember{Column: c, Key: c.Key}, true
	}
	b.between(at+".buckets", m.Buckets, 5, 100)
	op := Op{Kind: Quantiles, Buckets: m.Buckets, Temporal: f.DataType == feature.Temporal}
	for _, have := range c.Ops {
		if have.Kind == Quantiles && have.Buckets == m.Buckets && have.Temporal == op.Temporal {
			return CrossMember{Column: c, Key: c.Key, Bucket: have}, true
		}
	}
	op.Local = true
	return CrossMember{Column: c, Key: c.Key, Bucket: b.op(c, op)}, true
}

func crossLabel(x feature.Cross) string {
	var names []string
	for _, m := range x.Features {
		names = append(names, m.Column)
	}
	return strings.Join(names, " x ")
}

package codegen

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// builder resolves definitions into a program and collects every finding on the
// way. It always returns a program, so that widths can be shown while a
// configuration is still being edited; with findings the program MUST NOT be emitted.
type builder struct {
	program  *Program
	columns  []warehouse.Column // of the dataset; nil skips the checks against it
	findings []problem.Field
	// ids are the primary ids of both towers: the examples carry them as text,
	// whatever type they have in the warehouse, so that 007 stays 007.
	ids map[string]bool
}

// cycles in the order the trainer concatenates them.
var cycles = []string{"yearly", "quarterly", "monthly", "weekly", "daily"}

var nameRule = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// limits of one tower; both keep a generated module readable.
const (
	maxFeatures = 100
	maxCrosses  = 20
)

func build(d feature.Definition, m model.Definition, columns []warehouse.Column) (*Program, []problem.Field) {
	b := &builder{columns: columns, program: &Program{Version: Version, Columns: []*Column{}, Training: Training{
		Optimizer: m.Optimizer, LearningRate: m.LearningRate, BatchSize: m.BatchSize, Epochs: m.Epochs,
		EmbeddingL2: m.EmbeddingL2, LogQ: m.LogQ, Temperature: m.Temperature, Normalize: m.Normalize,
		ClipNorm: m.ClipNorm, Patience: m.Patience, TopK: m.TopK, Index: m.Index,
	}}}
	b.ids = map[string]bool{}
	for _, t := range []feature.Tower{d.Query, d.Candidate} {
		for _, f := range t.Features {
			if f.PrimaryID && f.DataType == feature.Text {
				b.ids[f.Column] = true
			}
		}
	}
	b.program.Query = b.tower("query", "q", d.Query, m.Query, m.OutputDim)
	b.program.Candidate = b.tower("candidate", "c", d.Candidate, m.Candidate, m.OutputDim)
	b.distinctNames()
	return b.program, b.findings
}

func (b *builder) bad(at, format string, args ...any) {
	b.findings = append(b.findings, problem.Field{Location: at, Message: fmt.Sprintf(format, args...)})
}

// between reports whether v lies within the limits, and says so if not.
func (b *builder) between(at string, v, low, high int) bool {
	if v < low || v > high {
		b.bad(at, "must be between %d and %d, not %d", low, high, v)
		return false
	}
	return true
}

func (b *builder) tower(name, prefix string, t feature.Tower, layers []model.Layer, out int) Tower {
	tower := Tower{Name: name, Layers: layers, OutputDim: out, Inputs: []TowerInput{}, Crosses: []Cross{}}
	if tower.Layers == nil {
		tower.Layers = []model.Layer{}
	}
	at := name + ".features"
	if len(t.Features) > maxFeatures {
		b.bad(at, "has %d features; at most %d", len(t.Features), maxFeatures)
	}
	seen := map[string]bool{}
	for i, f := range t.Features {
		at := fmt.Sprintf("%s[%d]", at, i)
		if key := strings.ToLower(f.Column); seen[key] {
			b.bad(at+".column", "%q is in this tower already", f.Column)
			continue
		} else {
			seen[key] = true
		}
		c := b.column(at, f)
		tower.Columns = append(tower.Columns, c)
		inputs := b.feature(at, c, f)
		if f.PrimaryID {
			b.primary(at, f, &tower, c)
		}
		tower.Inputs = append(tower.Inputs, inputs...)
	}
	if tower.ID == nil && !slices.ContainsFunc(t.Features, func(f feature.Feature) bool { return f.PrimaryID }) {
		b.bad(at, "must have exactly one primary id: the column that identifies the %s", map[string]string{"query": "customer", "candidate": "product"}[name])
	}
	b.crosses(name, prefix, t, &tower)
	return tower
}

func (b *builder) primary(at string, f feature.Feature, t *Tower, c *Column) {
	switch {
	case f.DataType != feature.Text:
		b.bad(at+".data_type", "a primary id must be text, so that every value has its own embedding")
	case t.ID != nil:
		b.bad(at+".primary_id", "%q is the primary id of this tower already", t.IDColumn.Name)
	case f.Embedding != nil:
		t.IDColumn = c
		t.ID = b.op(c, vocabulary(f.Embedding))
	}
}

// column finds or adds the program's column of a feature.
func (b *builder) column(at string, f feature.Feature) *Column {
	if !nameRule.MatchString(f.Column) {
		b.bad(at+".column", "%q is not a column name: letters, digits and _ only, at most 128, no digit first", f.Column)
	}
	typ := b.columnType(at, f)
	for _, c := range b.program.Columns {
		if c.Name == f.Column {
			return c
		}
	}
	if b.ids[f.Column] {
		typ = warehouse.String
	}
	c := &Column{Key: fmt.Sprintf("f%02d", len(b.program.Columns)), Name: f.Column, Type: pipelineType(typ), Ops: []*Op{}}
	b.program.Columns = append(b.program.Columns, c)
	return c
}

// columnType checks a feature against the dataset and gives the type that counts.
func (b *builder) columnType(at string, f feature.Feature) warehouse.Type {
	if b.columns == nil {
		return f.Type
	}
	for _, c := range b.columns {
		if c.Name != f.Column {
			continue
		}
		if c.Repeated {
			b.bad(at+".column", "%q holds lists; a feature needs one value per row", f.Column)
		}
		return c.Type
	}
	for _, c := range b.columns {
		if strings.EqualFold(c.Name, f.Column) {
			b.bad(at+".column", "the dataset has no column %q; it has %q, in other case", f.Column, c.Name)
			return f.Type
		}
	}
	b.bad(at+".column", "the dataset has no column %q", f.Column)
	return f.Type
}

// distinctNames refuses columns of the program that differ in case only: the
// warehouse and the page treat them as one.
func (b *builder) distinctNames() {
	seen := map[string]string{}
	for _, c := range b.program.Columns {
		if other, ok := seen[strings.ToLower(c.Name)]; ok {
			b.bad("candidate.features", "the columns %q and %q differ in case only", other, c.Name)
		}
		seen[strings.ToLower(c.Name)] = c.Name
	}
	// Models call a column that TensorFlow cannot name column_<name>.
	for _, c := range b.program.Columns {
		if rest, ok := strings.CutPrefix(c.Name, "column_"); ok && seen[strings.ToLower(rest)] == rest {
			b.bad("query.features", "the columns %q and %q cannot be told apart in the exported model; rename one in the dataset", c.Name, rest)
		}
	}
}

// pipelineType is the type in which the examples carry a column: times are Unix
// seconds, booleans 0 or 1, decimals doubles.
func pipelineType(t warehouse.Type) warehouse.Type {
	switch t {
	case warehouse.Int64, warehouse.Bool, warehouse.Date, warehouse.DateTime, warehouse.Timestamp:
		return warehouse.Int64
	case warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric:
		return warehouse.Float64
	}
	return warehouse.String
}

// op finds an equal operation of a column or adds this one. The first operation
// of a kind has the plain key; a different one of the same kind, which the other
// tower may ask for, is numbered.
func (b *builder) op(c *Column, op Op) *Op {
	suffix := map[string]string{Vocabulary: "", Normalize: "_norm", Quantiles: "_bucket", Boundaries: "_bucket", Cycle: "_" + op.Period}[op.Kind]
	if op.Local {
		suffix = fmt.Sprintf("_q%d", op.Buckets)
	}
	key := c.Key + suffix
	for n := 2; ; n++ {
		i := slices.IndexFunc(c.Ops, func(have *Op) bool { return have.Key == key })
		if i < 0 {
			op.Key = key
			c.Ops = append(c.Ops, &op)
			return &op
		}
		if same(*c.Ops[i], op) {
			return c.Ops[i]
		}
		key = fmt.Sprintf("%s%s_%d", c.Key, suffix, n)
	}
}

func same(a, b Op) bool {
	return a.Kind == b.Kind && a.Local == b.Local && a.MaxSize == b.MaxSize && a.MinFrequency == b.MinFrequency && a.OOV == b.OOV &&
		a.Scale == b.Scale && slices.Equal(a.Range, b.Range) && a.Buckets == b.Buckets && slices.Equal(a.Bounds, b.Bounds) &&
		a.Period == b.Period && a.Temporal == b.Temporal
}

func finite(values ...float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

package feature

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Reason explains one choice of the smart defaults.
type Reason struct {
	Column string `json:"column"`
	Tower  string `json:"tower"` // "query", "candidate", "skipped"
	Why    string `json:"why"`
}

// Defaults is a proposed definition and why each column is where it is.
type Defaults struct {
	Definition Definition `json:"definition"`
	Reasons    []Reason   `json:"reasons"`
}

// unknownCardinality stands for an id column without statistics.
const unknownCardinality = 10_000

// EmbeddingDim is the recommended width of an embedding with so many distinct
// values: 8 below 50, then 16, 32, 64, 96 and 128 at each power of ten from 500.
func EmbeddingDim(cardinality int64) int {
	switch {
	case cardinality < 50:
		return 8
	case cardinality < 500:
		return 16
	case cardinality < 5_000:
		return 32
	case cardinality < 50_000:
		return 64
	case cardinality < 500_000:
		return 96
	}
	return 128
}

var (
	outcomeName   = regexp.MustCompile(`(?i)(revenue|amount|price_paid|quantity|qty|units|total|sales|discount|margin|profit|cost)`)
	customerName  = regexp.MustCompile(`(?i)(customer|user|buyer|client|segment|tier|city|region|country)`)
	productName   = regexp.MustCompile(`(?i)(product|item|sku|category|brand|article)`)
	identifierEnd = regexp.MustCompile(`(?i)(^id$|_id$|_no$|_nr$|_key$|_code$|uuid)`)
	timeCycles    = Cyclical{Quarterly: true, Monthly: true, Weekly: true}
)

// SmartDefaults proposes features and crosses for a dataset version. profile may
// be nil: cardinalities are then unknown. The customer and product roles become
// the primary ids. Other columns go to the tower of the table they come from, or
// of what their name says; columns that are outcomes, identifiers of something
// else, or of no recognisable side are skipped with the reason.
// FailedPrecondition when a role is missing.
func SmartDefaults(v dataset.Version, profile *dataset.Profile) (Defaults, error) {
	roles := v.Definition.Roles
	customer, product := roles[dataset.Customer], roles[dataset.Product]
	if customer == "" || product == "" {
		return Defaults{}, problem.New(problem.FailedPrecondition, "the dataset names no customer or no product column").
			WithNext(problem.TurnYou, "Set both roles on the dataset, then ask for the defaults again.")
	}
	p := proposer{version: v, profile: map[string]dataset.ColumnProfile{}}
	if profile != nil {
		for _, c := range profile.Columns {
			p.profile[c.Name] = c
		}
	}
	d := Definition{Dataset: v.Dataset, DatasetVersion: v.Number}
	d.Query.Features = append(d.Query.Features, p.primary(customer))
	d.Candidate.Features = append(d.Candidate.Features, p.primary(product))
	p.reason(customer, "query", "it identifies the customer")
	p.reason(product, "candidate", "it identifies the product")
	for _, c := range v.Schema {
		if c.Name == customer || c.Name == product {
			continue
		}
		tower, why := p.tower(c)
		f, ok := p.feature(c)
		if tower != "skipped" && !ok {
			tower, why = "skipped", "its type "+string(c.Type)+" has no transform"
		}
		p.reason(c.Name, tower, why)
		switch tower {
		case "query":
			d.Query.Features = append(d.Query.Features, f)
		case "candidate":
			d.Candidate.Features = append(d.Candidate.Features, f)
		}
	}
	d.Query.Crosses = p.cross(d.Query, 5_000, `(?i)(segment|tier)`, `(?i)(city|region|country)`)
	d.Candidate.Crosses = p.cross(d.Candidate, 1_000, `(?i)^category|[^b]category`, `(?i)subcategory|sub_category`)
	return Defaults{d, p.reasons}, nil
}

type proposer struct {
	version dataset.Version
	profile map[string]dataset.ColumnProfile
	reasons []Reason
}

func (p *proposer) reason(column, tower, why string) {
	p.reasons = append(p.reasons, Reason{column, tower, why})
}

func (p *proposer) distinct(column string) int64 { return p.profile[column].Distinct }

func (p *proposer) primary(column string) Feature {
	n := p.distinct(column)
	if n == 0 {
		n = unknownCardinality
	}
	// A minimum frequency of 2 lets the out-of-vocabulary row see training data, so a
	// customer or product met for the first time gets a trained vector, not noise.
	return Feature{Column: column, Type: p.columnType(column), DataType: Text, PrimaryID: true, Cardinality: p.distinct(column),
		Embedding: &Embedding{Dim: max(EmbeddingDim(n), 32), MaxSize: vocabulary(p.distinct(column)), OOVBuckets: 1, MinFrequency: 2}}
}

func (p *proposer) columnType(name string) warehouse.Type {
	for _, c := range p.version.Schema {
		if c.Name == name {
			return c.Type
		}
	}
	return warehouse.String
}

// tower decides the side of a column. The table it comes from is the strongest
// evidence: attributes joined on the product column describe products.
func (p *proposer) tower(c warehouse.Column) (tower, why string) {
	def := p.version.Definition
	role := func(r dataset.Role) bool { return def.Roles[r] == c.Name }
	if role(dataset.Value) {
		return "skipped", "it is the outcome of a transaction, unknown when a recommendation is asked for"
	}
	if role(dataset.Time) {
		return "query", "when a customer buys says what season it is"
	}
	source := p.source(c.Name)
	if source.Table != def.Primary {
		for _, j := range def.Joins {
			if j.Table != source.Table {
				continue
			}
			if identifierEnd.MatchString(c.Name) && p.distinct(c.Name) > 1000 {
				return "skipped", "it identifies something else"
			}
			switch p.outputOf(j.LeftTable, j.LeftColumn) {
			case def.Roles[dataset.Customer]:
				return "query", "it describes the customer: its table is joined on " + j.LeftColumn
			case def.Roles[dataset.Product]:
				return "candidate", "it describes the product: its table is joined on " + j.LeftColumn
			}
		}
	}
	switch {
	case outcomeName.MatchString(c.Name):
		return "skipped", "its name says it is an outcome, unknown when a recommendation is asked for"
	case identifierEnd.MatchString(c.Name):
		return "skipped", "it identifies something else"
	case productName.MatchString(c.Name):
		return "candidate", "its name speaks of the product"
	case customerName.MatchString(c.Name):
		return "query", "its name speaks of the customer"
	}
	return "skipped", "neither its table nor its name says whether it describes the customer or the product"
}

func (p *proposer) source(output string) dataset.Column {
	for _, c := range p.version.Definition.Columns {
		if c.Name == output {
			return c
		}
	}
	return dataset.Column{}
}

func (p *proposer) outputOf(table warehouse.Ref, column string) string {
	for _, c := range p.version.Definition.Columns {
		if c.Table == table && c.Column == column {
			return c.Name
		}
	}
	return ""
}

func (p *proposer) feature(c warehouse.Column) (Feature, bool) {
	if c.Repeated {
		return Feature{}, false
	}
	n := p.distinct(c.Name)
	f := Feature{Column: c.Name, Type: c.Type, Cardinality: n}
	switch c.Type {
	case warehouse.String, warehouse.Bytes, warehouse.Bool:
		f.DataType = Text
		dim := EmbeddingDim(n)
		if n == 0 {
			dim = 32
		}
		f.Embedding = &Embedding{Dim: dim, MaxSize: vocabulary(n), OOVBuckets: 1, MinFrequency: 1}
	case warehouse.Int64, warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric:
		f.DataType = Numeric
		f.Normalize = &Normalize{Kind: "zscore"}
		if skewed(p.profile[c.Name]) {
			f.Normalize.Kind = "log_zscore"
		}
		if n > 100 {
			f.Bucketize = &Bucketize{Buckets: 20, Dim: 8}
		}
	case warehouse.Date, warehouse.DateTime, warehouse.Timestamp:
		f.DataType = Temporal
		cycles := timeCycles
		f.Cyclical = &cycles
	default:
		return Feature{}, false
	}
	return f, true
}

// skewed reports whether a positive column's maximum is far beyond its median, as
// prices are: the logarithm then spreads the values evenly.
func skewed(c dataset.ColumnProfile) bool {
	q := c.Quantiles
	return len(q) == 11 && q[0] >= 0 && q[5] > 0 && q[10] > 10*q[5]
}

func vocabulary(distinct int64) int {
	if distinct == 0 {
		return 100_000
	}
	return int(min(distinct*3/2+1, 500_000))
}

// cross proposes one cross of the first features that match the two patterns.
func (p *proposer) cross(t Tower, buckets int, first, second string) []Cross {
	a, b := find(t, first), find(t, second)
	if a == "" || b == "" || a == b {
		return []Cross{}
	}
	p.reason(a+" × "+b, "cross", fmt.Sprintf("the pair says more than each alone; hashed into %d buckets", buckets))
	return []Cross{{Features: []CrossMember{{Column: a}, {Column: b}}, HashBuckets: buckets, Dim: 16}}
}

func find(t Tower, pattern string) string {
	re := regexp.MustCompile(pattern)
	i := slices.IndexFunc(t.Features, func(f Feature) bool {
		return !f.PrimaryID && f.DataType == Text && re.MatchString(strings.ToLower(f.Column))
	})
	if i < 0 {
		return ""
	}
	return t.Features[i].Column
}

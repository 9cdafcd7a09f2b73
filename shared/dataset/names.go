package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// SplitColumn labels the rows of materialised examples; no output column may
// have this name.
const SplitColumn = "split"

var (
	reOutput = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	// Prefixes BigQuery keeps for itself
	// (https://cloud.google.com/bigquery/docs/schemas#column_names)
	// and the product's own, see Compile.
	reservedPrefixes = []string{"_b2_", "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier"}
)

func reservedName(name string) bool {
	lower := strings.ToLower(name)
	return lower == SplitColumn || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) })
}

// Names fills the empty names of columns, in order: the first column of a name
// keeps it, a later one is <table>_<column>, with a number where that is taken
// too. Names that are given stay. Every part of the product that predicts output
// names MUST use this function.
func Names(columns []Column) []Column {
	out := slices.Clone(columns)
	taken := map[string]bool{}
	for _, c := range out {
		taken[strings.ToLower(c.Name)] = c.Name != ""
	}
	free := func(name string) bool {
		return reOutput.MatchString(name) && !reservedName(name) && !taken[strings.ToLower(name)]
	}
	for i, c := range out {
		if c.Name != "" {
			continue
		}
		name := c.Column
		if !free(name) {
			name = c.Table.Name + "_" + c.Column
		}
		if len(name) > 120 {
			name = name[:120]
		}
		base := name
		for n := 2; !free(name) && n < 10_000; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		out[i].Name = name
		taken[strings.ToLower(name)] = true
	}
	return out
}

// Normalize writes the defaults out, so that equal definitions are equal texts:
// names, left joins to the primary table that block fan-out.
func (d Definition) Normalize() Definition {
	d.Columns = Names(d.Columns)
	d.Joins = slices.Clone(d.Joins)
	if d.Joins == nil {
		d.Joins = []Join{}
	}
	for i := range d.Joins {
		j := &d.Joins[i]
		if j.Type == "" {
			j.Type = LeftJoin
		}
		if j.FanOut == "" {
			j.FanOut = FanOutBlock
		}
		if j.LeftTable == (warehouse.Ref{}) {
			j.LeftTable = d.Primary
		}
		if j.RightColumn == "" {
			j.RightColumn = j.LeftColumn
		}
	}
	roles := map[Role]string{}
	for r, c := range d.Roles {
		if c != "" {
			roles[r] = c
		}
	}
	d.Roles = roles
	return d
}

// Hash is the SHA-256, in hex, of the normalised definition's JSON.
func (d Definition) Hash() string {
	b, err := json.Marshal(d.Normalize())
	if err != nil {
		panic("dataset: a definition that cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Output gives the output column of that name; upper and lower case do not differ.
func (d Definition) Output(name string) (Column, bool) {
	i := slices.IndexFunc(d.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return Column{}, false
	}
	return d.Columns[i], true
}

// Tables lists the tables of the definition, primary first.
func (d Definition) Tables() []warehouse.Ref {
	out := []warehouse.Ref{d.Primary}
	for _, j := range d.Joins {
		out = append(out, j.Table)
	}
	return out
}

func formatDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }

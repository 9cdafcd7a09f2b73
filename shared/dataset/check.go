package dataset

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// MaxRollingDays is ten years.
const MaxRollingDays = 3650

// Schemas holds the live columns of tables.
type Schemas map[warehouse.Ref][]warehouse.Column

// idTypes can name a customer or product; timeTypes can say when. Texts and
// integers that hold times are read by value, see secondsOf.
var (
	idTypes   = []warehouse.Type{warehouse.String, warehouse.Int64, warehouse.Numeric, warehouse.BigNumeric, warehouse.Float64}
	timeTypes = []warehouse.Type{warehouse.Date, warehouse.DateTime, warehouse.Timestamp, warehouse.Int64, warehouse.String}
	// noTraining are types that no feature can be made of.
	noTraining = []warehouse.Type{warehouse.JSON, warehouse.Bytes, warehouse.Geography}
)

type checker struct {
	schemas Schemas
	fields  []problem.Field
}

func (c *checker) add(location, format string, args ...any) {
	c.fields = append(c.fields, problem.Field{Location: location, Message: fmt.Sprintf(format, args...)})
}

// Validate gives everything that is wrong with a definition, against the live
// schemas of its tables. The definition is normalised first. No finding means
// that Compile works.
func Validate(def Definition, schemas Schemas) []problem.Field {
	d := def.Normalize()
	c := &checker{schemas: schemas}
	known := c.tables(d)
	c.columns(d, known)
	c.roles(d)
	c.dates(d)
	return c.fields
}

// Invalid makes one problem of findings; nil when there are none.
func Invalid(fields []problem.Field) error {
	if len(fields) == 0 {
		return nil
	}
	e := problem.New(problem.InvalidArgument, "the dataset has %d findings", len(fields)).WithCause("%s: %s", fields[0].Location, fields[0].Message)
	if len(fields) == 1 {
		e.Message = "the dataset has a finding"
	}
	e.Fields = fields
	return e.WithNext(problem.TurnYou, "Correct the fields named in errors.")
}

// tables checks primary and joins, and gives the tables that columns may come from.
func (c *checker) tables(d Definition) []warehouse.Ref {
	known := []warehouse.Ref{}
	if c.table("primary", d.Primary) {
		known = append(known, d.Primary)
	}
	seen := map[warehouse.Ref]bool{d.Primary: true}
	for i, j := range d.Joins {
		at := fmt.Sprintf("joins[%d]", i)
		if seen[j.Table] {
			c.add(at+".table", "%s is in the dataset already; a table occurs once", j.Table)
			continue
		}
		earlier := seen[j.LeftTable]
		seen[j.Table] = true
		if !earlier {
			c.add(at+".left_table", "%s is neither the primary table nor joined before", j.LeftTable)
		}
		if j.Type != LeftJoin && j.Type != InnerJoin {
			c.add(at+".type", "%q is not a join type; use left or inner", j.Type)
		}
		if !slices.Contains([]string{FanOutBlock, FanOutFirst, FanOutAccept}, j.FanOut) {
			c.add(at+".fan_out", "%q is not a policy; use block, first or accept", j.FanOut)
		}
		if !c.table(at+".table", j.Table) {
			continue
		}
		known = append(known, j.Table)
		if earlier {
			c.key(at+".left_column", j.LeftTable, j.LeftColumn)
		}
		c.key(at+".right_column", j.Table, j.RightColumn)
	}
	return known
}

func (c *checker) table(at string, r warehouse.Ref) bool {
	switch {
	case r.Name == "":
		c.add(at, "a table is missing")
	case r.Check() != nil:
		c.add(at, "%q is not a table name", r.String())
	case r.Dataset != warehouse.Raw:
		c.add(at, "%s is not in %s; datasets read what loads bring in", r, warehouse.Raw)
	case c.schemas[r] == nil:
		c.add(at, "there is no table %s", r)
	default:
		return true
	}
	return false
}

// key checks a join column. Different types are compared as text; a column that
// has no text is no key.
func (c *checker) key(at string, r warehouse.Ref, name string) {
	if c.schemas[r] == nil {
		return
	}
	col, ok := warehouse.FindColumn(c.schemas[r], name)
	switch {
	case name == "":
		c.add(at, "a join needs a key column")
	case !ok:
		c.add(at, "%s has no column %q", r, name)
	case col.Repeated || slices.Contains(noTraining, col.Type):
		c.add(at, "%s.%s cannot be a key: it is %s", r, name, typeName(col))
	}
}

func typeName(c warehouse.Column) string {
	if c.Repeated {
		return "ARRAY<" + string(c.Type) + ">"
	}
	return string(c.Type)
}

func (c *checker) columns(d Definition, known []warehouse.Ref) {
	if len(d.Columns) == 0 {
		c.add("columns", "select at least one column")
	}
	if len(d.Columns) > 1000 {
		c.add("columns", "at most 1,000 columns, not %d", len(d.Columns))
	}
	names := map[string]int{}
	for i, col := range d.Columns {
		at := fmt.Sprintf("columns[%d]", i)
		switch {
		case !reOutput.MatchString(col.Name):
			c.add(at+".name", "%q is not a name: letters, digits and underscores, beginning with a letter or underscore, at most 128", col.Name)
		case reservedName(col.Name):
			c.add(at+".name", "%q is reserved; choose another name", col.Name)
		}
		if first, taken := names[strings.ToLower(col.Name)]; taken {
			c.add(at+".name", "%q is the name of columns[%d] already; upper and lower case do not differ", col.Name, first)
		} else {
			names[strings.ToLower(col.Name)] = i
		}
		if !slices.Contains(known, col.Table) {
			if c.schemas[col.Table] != nil || !slices.Contains(d.Tables(), col.Table) {
				c.add(at+".table", "%s is neither the primary table nor joined", col.Table)
			}
			continue
		}
		live, ok := warehouse.FindColumn(c.schemas[col.Table], col.Column)
		switch {
		case !ok:
			c.add(at+".column", "%s has no column %q", col.Table, col.Column)
		case live.Repeated || slices.Contains(noTraining, live.Type):
			c.add(at+".column", "%s.%s is %s, which training cannot read; leave it out", col.Table, col.Column, typeName(live))
		}
	}
}

// live gives the type behind an output column.
func (c *checker) live(d Definition, output string) (warehouse.Type, bool) {
	col, ok := d.Output(output)
	if !ok {
		return "", false
	}
	live, ok := warehouse.FindColumn(c.schemas[col.Table], col.Column)
	return live.Type, ok && !live.Repeated
}

func (c *checker) roles(d Definition) {
	for _, r := range []Role{Customer, Product} {
		if d.Roles[r] == "" {
			c.add("roles."+string(r), "say which column names the %s", r)
		}
	}
	for _, r := range sortedRoles(d.Roles) {
		at, name := "roles."+string(r), d.Roles[r]
		var allowed []warehouse.Type
		switch r {
		case Customer, Product:
			allowed = idTypes
		case Time:
			allowed = timeTypes
		case Value:
			allowed = []warehouse.Type{warehouse.Int64, warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric}
		default:
			c.add(at, "%q is not a role", r)
			continue
		}
		if _, ok := d.Output(name); !ok {
			c.add(at, "%q is not an output column", name)
		} else if t, ok := c.live(d, name); ok && !slices.Contains(allowed, t) {
			c.add(at, "%q is %s; a %s column is one of %s", name, t, r, typeList(allowed))
		}
		for _, other := range []Role{Customer, Product} {
			if r != other && (r != Customer || other != Product) && d.Roles[other] != "" && strings.EqualFold(name, d.Roles[other]) {
				c.add(at, "%q is the %s already", name, other)
			}
		}
	}
	if d.PositiveOnly && d.Roles[Value] == "" {
		c.add("positive_only", "say which column is the value first")
	}
}

func sortedRoles(m map[Role]string) []Role {
	out := make([]Role, 0, len(m))
	for r := range m {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

func typeList(list []warehouse.Type) string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return strings.Join(out, ", ")
}

func (c *checker) dates(d Definition) {
	f := d.Dates
	if f == nil {
		return
	}
	if _, ok := d.Output(f.Column); !ok {
		c.add("dates.column", "%q is not an output column", f.Column)
	} else if t, ok := c.live(d, f.Column); ok && !t.Temporal() && !(strings.EqualFold(f.Column, d.Roles[Time]) && slices.Contains(timeTypes, t)) {
		c.add("dates.column", "%q is %s; a date filter needs a date or time", f.Column, t)
	}
	switch {
	case (f.RollingDays != 0) == (f.Start != ""):
		c.add("dates", "give either rolling_days or start")
	case f.Start != "":
		if _, err := time.Parse(time.DateOnly, f.Start); err != nil {
			c.add("dates.start", "%q is not a date; write YYYY-MM-DD", f.Start)
		}
	case f.RollingDays < 1 || f.RollingDays > MaxRollingDays:
		c.add("dates.rolling_days", "between 1 and %d days, not %d", MaxRollingDays, f.RollingDays)
	}
}

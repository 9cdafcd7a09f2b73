package googlesql

import (
	"fmt"
	"strings"

	g "github.com/goccy/go-googlesql"
)

// declare adds a table of a dataset to the catalogue.
func (c *catalog) declare(r *g.ResolvedCreateTableStmt) error {
	path, err := r.NamePath()
	if err != nil {
		return err
	}
	if len(path) != 2 {
		return fmt.Errorf("the table %s is not dataset.table", strings.Join(path, "."))
	}
	if c.datasets[path[0]] == nil {
		if c.datasets[path[0]], err = c.root.MakeOwnedSimpleCatalog(path[0]); err != nil {
			return err
		}
	}
	name := strings.Join(path, ".")
	if c.tables[name] { // the library's own answer is a trap without words
		return fmt.Errorf("the table %s is declared twice", name)
	}
	c.tables[name] = true
	table, err := g.NewSimpleTable(path[1], int64(len(c.kept)))
	if err != nil {
		return err
	}
	defs, err := r.ColumnDefinitionList()
	if err != nil {
		return err
	}
	for _, d := range defs {
		name, err := d.Name()
		if err != nil {
			return err
		}
		t, err := d.Type()
		if err != nil {
			return err
		}
		col, err := g.NewSimpleColumn(path[1], name, t, false, true)
		if err != nil {
			return err
		}
		c.kept = append(c.kept, col)
		if err := table.AddColumn2(col, false); err != nil {
			return err
		}
	}
	c.kept = append(c.kept, table)
	return c.datasets[path[0]].AddTable(table)
}

// gives compares the columns of a query with those that the file says.
func (c *catalog) gives(r *g.ResolvedQueryStmt, want []column) error {
	if want == nil {
		return nil
	}
	cols, err := r.OutputColumnList()
	if err != nil {
		return err
	}
	var got []string
	same := len(cols) == len(want)
	for i, oc := range cols {
		name, err := oc.Name()
		if err != nil {
			return err
		}
		col, err := oc.Column()
		if err != nil {
			return err
		}
		t, err := col.Type()
		if err != nil {
			return err
		}
		text, err := t.DebugString(false)
		if err != nil {
			return err
		}
		got = append(got, name+" "+text)
		if !same {
			continue
		}
		expected, err := c.typeOf(want[i].typ)
		if err != nil {
			return err
		}
		equal, err := t.Equals(expected)
		if err != nil {
			return err
		}
		same = equal && name == want[i].name
	}
	if !same {
		return fmt.Errorf("the columns are %s, not %v", strings.Join(got, ", "), want)
	}
	return nil
}

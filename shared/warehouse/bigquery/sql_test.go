package bigquery

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.sql")

// The statements that commits run, word by word: they are the part of the driver that
// moves rows. scripts/googlesql gives them to BigQuery's own parser.
func TestStatements(t *testing.T) {
	col := func(name string, t warehouse.Type) warehouse.Column { return warehouse.Column{Name: name, Type: t} }
	base := plan{
		Commit:  warehouse.Commit{ID: "run-1", Target: warehouse.Ref{Dataset: "raw_data", Name: "sales"}, Mode: warehouse.Append},
		staging: warehouse.Ref{Dataset: Staging, Name: "commit_1"},
		target: []warehouse.Column{
			{Name: "ID", Type: warehouse.Int64, Required: true}, col("name", warehouse.String), col("weight", warehouse.Float64), col("price", warehouse.Numeric),
			col("sold", warehouse.Date), col("seen", warehouse.Timestamp), col("doc", warehouse.JSON), col("place", warehouse.Geography),
			{Name: "tags", Type: warehouse.String, Repeated: true}, col("seq", warehouse.Int64), col("file", warehouse.String), col("absent", warehouse.Bool),
		},
		objects: contents{rows: 5, columns: []warehouse.Column{
			col("id", warehouse.Int64), col("name", warehouse.String), col("weight", warehouse.Float64), col("price", warehouse.BigNumeric),
			col("sold", warehouse.String), col("seen", warehouse.DateTime), col("doc", warehouse.String), col("place", warehouse.String),
			{Name: "tags", Type: warehouse.String, Repeated: true}, col("seq", warehouse.Int64), col("file", warehouse.String),
		}},
	}
	every := warehouse.Table{Ref: warehouse.Ref{Dataset: Staging, Name: "every"}}
	var conversions []string
	var converted []warehouse.Column
	for _, from := range warehouse.Types {
		c := col("c_"+strings.ToLower(string(from)), from)
		every.Columns = append(every.Columns, c)
		for _, to := range warehouse.Types {
			if from == to || !converts(from, to) {
				continue
			}
			for _, safe := range []bool{true, false} {
				out := col(fmt.Sprint("v", len(converted)), to)
				converted = append(converted, out)
				conversions = append(conversions, convert(bigSQL.Ident(c.Name), from, to, safe)+" AS "+out.Name)
			}
		}
	}
	warehousetest.Same(t, "testdata/conversions.sql", warehousetest.Golden(warehouse.Statement{
		SQL: "SELECT\n  " + strings.Join(conversions, ",\n  ") + "\nFROM " + bigSQL.Table(every.Ref),
	}, converted)+"\n", *update)
	tables := []string{
		warehousetest.DDL(warehouse.Table{Ref: base.Target, Columns: base.target}),
		warehousetest.DDL(warehouse.Table{Ref: base.staging, Columns: base.objects.columns}),
		warehousetest.DDL(ledger),
		warehousetest.DDL(every),
	}
	warehousetest.Same(t, "testdata/tables.sql", strings.Join(tables, "\n\n")+"\n", *update)
	warehousetest.Same(t, "testdata/lookup.sql", warehousetest.Golden(lookup("run-1"), ledger.Columns[3:7])+"\n", *update)
	for name, change := range map[string]func(p *plan){
		"append":  func(*plan) {},
		"nothing": func(p *plan) { p.objects = contents{} },
		"replace": func(p *plan) { p.Mode = warehouse.Replace },
		"replace_files": func(p *plan) {
			p.Mode, p.FileColumn, p.Files = warehouse.ReplaceFiles, "file", []string{"it's 1.csv"}
		},
		"upsert": func(p *plan) { p.Mode, p.Keys, p.OrderBy = warehouse.Upsert, []string{"ID", "name"}, "seq" },
		"upsert_hard_keys": func(p *plan) {
			p.Mode, p.Keys, p.nullable = warehouse.Upsert, []string{"weight", "name"}, map[string]bool{"name": true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := base
			change(&p)
			got := ""
			if p.staged() {
				text, checks := checkSQL(&p)
				gives := make([]warehouse.Column, len(checks))
				for i := range checks {
					gives[i] = col(fmt.Sprint("n", i), warehouse.Int64)
				}
				got = warehousetest.Golden(warehouse.Statement{SQL: text}, gives) + "\n\n"
			}
			text, params := applySQL(&p)
			got += warehousetest.Golden(warehouse.Statement{SQL: text, Params: params}, nil) + "\n"
			warehousetest.Same(t, filepath.Join("testdata", name+".sql"), got, *update)
		})
	}
}

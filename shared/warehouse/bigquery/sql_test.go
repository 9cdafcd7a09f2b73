package bigquery

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

var update = flag.Bool("update", false, "rewrite testdata/*.sql")

// The statements that commits run, word by word: they are the part of the driver that
// moves rows, and files can be given to another parser of GoogleSQL.
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
			check := ""
			if p.staged() {
				text, checks := checkSQL(&p)
				check = fmt.Sprintf("-- %d checks\n%s;\n\n", len(checks), text)
			}
			text, params := applySQL(&p)
			var names []string
			for n := range params {
				names = append(names, n)
			}
			slices.Sort(names)
			got := check + "-- parameters: " + strings.Join(names, ", ") + "\n" + text + "\n"
			file := filepath.Join("testdata", name+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

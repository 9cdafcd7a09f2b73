package googlesql

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	g "github.com/goccy/go-googlesql"
)

func TestMain(m *testing.M) {
	if err := g.Init(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const root = "../.."

// TestGoldens: every statement of the repository resolves.
func TestGoldens(t *testing.T) {
	files, err := goldens(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there is no golden file")
	}
	statements := 0
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n, err := check(root, file, string(src))
			if err != nil {
				t.Error(err)
			}
			statements += n
		})
	}
	t.Logf("%d statements in %d files", statements, len(files))
}

// TestBroken: a golden file with one mistake in it does not pass.
func TestBroken(t *testing.T) {
	const (
		dataset = root + "/shared/dataset/testdata/"
		driver  = root + "/shared/warehouse/bigquery/testdata/"
	)
	for name, c := range map[string]struct{ file, old, new, want string }{
		"nothing":                    {driver + "upsert.sql", "", "", ""},
		"unknown column":             {dataset + "compile/plain.bigquery.sql", "`t0`.`item_no` AS", "`t0`.`item` AS", "Name item not found"},
		"unknown column of a source": {driver + "upsert.sql", "`seq` DESC", "`seen_at` DESC", "Unrecognized name"},
		"unknown table":              {driver + "append.sql", "INSERT INTO `raw_data`.`sales`", "INSERT INTO `raw_data`.`sale`", "Table not found"},
		"unknown function":           {dataset + "export/profile-groups.bigquery.sql", "COUNTIF(", "COUNT_IF(", "Function not found"},
		"type of an argument":        {dataset + "compile/training-joins.bigquery.sql", "UNIX_SECONDS(`sold_at`)", "UNIX_SECONDS(`amount`)", "No matching signature"},
		"type of an inserted value":  {driver + "append.sql", "CAST(`price` AS NUMERIC) AS `price`", "`name` AS `price`", "cannot be inserted"},
		"type of a parameter":        {dataset + "compile/plain-start.bigquery.sql", "@start_day INT64", "@start_day STRING", "No matching signature"},
		"parameter not bound":        {dataset + "compile/plain-start.bigquery.sql", "-- @start_day INT64 = 20147\n", "", "Query parameter 'start_day' not found"},
		"type of the result":         {dataset + "compile/plain.bigquery.sql", "amount NUMERIC", "amount FLOAT64", "the columns are"},
		"name of the result":         {dataset + "compile/plain.bigquery.sql", "gives customer_no", "gives Customer_no", "the columns are"},
		"column too many":            {dataset + "compile/plain.bigquery.sql", ", amount NUMERIC", "", "the columns are"},
		"partition by FLOAT64":       {driver + "upsert_hard_keys.sql", "TO_JSON_STRING(`weight`), `name`) =", "`weight`, `name`) =", "Partitioning by expressions of type FLOAT64"},
		"condition that is not BOOL": {driver + "append.sql", "IF NOT EXISTS (SELECT 1 FROM `b2brecs_ledger`.`commits` WHERE id = @id) THEN", "IF @rows_read THEN", "is not BOOL"},
		"condition that is wrong":    {driver + "append.sql", "WHERE id = @id", "WHERE id = @rows_read", "No matching signature"},
		"DELETE without WHERE":       {driver + "replace.sql", " WHERE TRUE;", ";", "DELETE must have a WHERE"},
		"ELSE":                       {driver + "append.sql", "END IF;", "ELSE SELECT nope; END IF;", "has 3 parts"},
		"unfinished script":          {driver + "append.sql", "END IF;\n", "", "Syntax error"},
		"loop":                       {driver + "append.sql", "BEGIN TRANSACTION;\n", "LOOP\nBREAK;\nEND LOOP;\n", "not supported"},
		"comment of no known form":   {driver + "append.sql", "-- @rows_read", "-- parameter @rows_read", "says nothing"},
		"table declared twice":       {dataset + "asked/walk.bigquery.sql", "`raw_data`.`products` (", "`raw_data`.`sales` (", "declared twice"},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(src), c.old) {
				t.Fatalf("%s has no %q", c.file, c.old)
			}
			_, err = check(root, c.file, strings.ReplaceAll(string(src), c.old, c.new))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

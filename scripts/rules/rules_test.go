package rules

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMain runs the tests at the top of the tree.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// The cloud binary carries neither database of the embedded platform.
func TestDeployUnitLinksNoEmbeddedDriver(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-tags", "disable_grpc_modules", "./scripts/function").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"duckdb", "modernc.org/sqlite", "shared/platform/embedded", "/sqlite", "shared/warehouse/duckdb", "shared/pipeline/local", "workflow/interpreter", "shared/fault", "gcpfake", "fake-gcs-server", "envoyproxy/go-control-plane"} {
			if strings.Contains(dep, banned) {
				t.Errorf("the deploy unit links %s", dep)
			}
		}
	}
}

const module = "github.com/b2brecs/b2brecs/"

// apis have their drivers one folder below.
var apis = []string{"events", "state", "objects", "warehouse", "workflow", "pipeline", "schedule", "secret", "identity"}

func driver(pkg string) bool {
	for _, api := range apis {
		for _, d := range []string{"sqlite", "folder", "duckdb", "interpreter", "local", "cron", "age",
			"firestore", "pubsub", "gcs", "bigquery", "cloudworkflows", "vertex", "cloudscheduler", "secretmanager", "oidc"} {
			if strings.HasPrefix(pkg, module+"shared/"+api+"/"+d) {
				return true
			}
		}
	}
	return false
}

// domain says whether a package is plain Go about the product's own matters.
func domain(rel string) bool {
	for _, d := range []string{"etl", "dataset", "feature", "model", "codegen", "experiment", "recommend"} {
		if rel == "shared/"+d || strings.HasPrefix(rel, "shared/"+d+"/") {
			return true
		}
	}
	return false
}

// Imports point one way: functions, domain, APIs, drivers.
func TestImportsPointOneWay(t *testing.T) {
	packages := imports(t)
	for pkg, deps := range packages {
		rel := strings.TrimPrefix(pkg, module)
		for _, dep := range deps {
			to := strings.TrimPrefix(dep, module)
			switch {
			case strings.HasPrefix(rel, "functions/") && strings.HasPrefix(to, "functions/"):
				t.Errorf("%s imports another function, %s", rel, to)
			case strings.HasPrefix(rel, "shared/") && (strings.HasPrefix(to, "functions") || strings.HasPrefix(to, "scripts")):
				t.Errorf("%s imports %s, which is above it", rel, to)
			case domain(rel) && strings.HasPrefix(to, "shared/platform"):
				t.Errorf("%s is of the domain and imports %s, which bundles services", rel, to)
			case domain(rel) && to == "net/http":
				t.Errorf("%s is of the domain and imports net/http", rel)
			case to == "shared/fault":
				t.Errorf("%s imports %s, which is for tests alone", rel, to)
			case driver(dep) && !driver(pkg) && !strings.HasSuffix(rel, "test") && !strings.HasPrefix(rel, "shared/platform/") && !strings.HasPrefix(rel, "scripts/"):
				t.Errorf("%s imports the driver %s", rel, to)
			}
		}
	}
}

// imports gives the imports of every package that the rules are about: the product's
// own and net/http; tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	walk(t, func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := module + filepath.ToSlash(filepath.Dir(name))
		for _, i := range f.Imports {
			if dep := strings.Trim(i.Path.Value, `"`); strings.HasPrefix(dep, module) || dep == "net/http" {
				out[pkg] = append(out[pkg], dep)
			}
		}
	})
	return out
}

func walk(t *testing.T, fn func(name string)) {
	t.Helper()
	for _, root := range []string{"functions", "shared", "scripts"} {
		err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() && (e.Name() == "testdata" || e.Name() == "node_modules") {
				return fs.SkipDir
			}
			if err == nil && strings.HasSuffix(name, ".go") {
				fn(name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Bans that matter: work carries its caller's context; every package says what it is for.
func TestBans(t *testing.T) {
	// Statements are built where identifiers and values go through the dialect.
	sqlText := regexp.MustCompile("Sprintf\\([\"`]\\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|WITH|COPY|TRUNCATE)\\s")
	sqlHomes := []string{"shared/warehouse/", "shared/dataset/", "shared/source/postgres/", "shared/state/sqlite/", "shared/recommend/sql.go"}
	documented := map[string]bool{}
	walk(t, func(name string) {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		dir := filepath.Dir(name)
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		documented[dir] = documented[dir] || f.Doc != nil
		suite := strings.HasSuffix(dir, "test") // conformance suites are tests
		// A hook of somebody else's that carries no context says so on the line.
		own := bytes.ReplaceAll(src, []byte("context.Background(), s, nil); err != nil { // the engine's hook carries no context"), nil)
		if bytes.Contains(own, []byte("context.Background()")) && filepath.Base(name) != "main.go" && !suite {
			t.Errorf("%s uses context.Background", name)
		}
		if home := func(h string) bool { return strings.HasPrefix(filepath.ToSlash(name), h) }; !suite && !slices.ContainsFunc(sqlHomes, home) && sqlText.Match(src) {
			t.Errorf("%s builds SQL by Sprintf outside of %v", name, sqlHomes)
		}
		if lines := bytes.Count(src, []byte("\n")); lines > 600 {
			t.Errorf("%s has %d lines; a file holds one purpose", name, lines)
		}
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

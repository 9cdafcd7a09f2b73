package googlesql

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// column is a name and a type: of a result, or of a parameter.
type column struct{ name, typ string }

func (c column) String() string { return c.name + " " + c.typ }

// statement is one statement or one script of a golden file.
type statement struct {
	line   int // in the file, from 1
	params []column
	gives  []column // nil: the file does not say
	text   string
}

// tablesFile only declares tables, for the golden files of its folder and those below.
const tablesFile = "tables.sql"

// goldens lists the golden files of the repository, catalogues left out.
func goldens(root string) ([]string, error) {
	var out []string
	for _, top := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			base := filepath.Base(name)
			golden := strings.HasSuffix(base, ".sql") && !strings.HasSuffix(base, ".duckdb.sql") && base != tablesFile
			if golden && strings.Contains(filepath.ToSlash(name), "/testdata/") {
				out = append(out, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// check analyses the statements of a golden file whose text is src. It gives their
// number and, joined, what is wrong with each.
func check(root, file, src string) (int, error) {
	list, err := parse(src)
	if err != nil {
		return 0, err
	}
	c, err := newCatalog()
	if err != nil {
		return 0, err
	}
	defer runtime.KeepAlive(c) // the library's tables point into it
	if !list[0].declares() {
		tables, err := catalogue(root, file)
		if err != nil {
			return 0, err
		}
		for _, s := range tables {
			if err := c.check(s); err != nil {
				return 0, fmt.Errorf("the catalogue, line %d: %w", s.line, err)
			}
		}
	}
	var wrong []error
	for _, s := range list {
		if err := c.check(s); err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w\n%s", s.line, err, s.text))
		}
	}
	return len(list), errors.Join(wrong...)
}

// catalogue gives the statements of the catalogue of a golden file's folder, or else of
// the nearest above; none where there is no such file.
func catalogue(root, file string) ([]statement, error) {
	for dir := filepath.Dir(file); len(dir) > len(root); dir = filepath.Dir(dir) {
		src, err := os.ReadFile(filepath.Join(dir, tablesFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return parse(string(src))
	}
	return nil, nil
}

// declares says whether the statement makes a table.
func (s statement) declares() bool { return strings.HasPrefix(s.text, "CREATE TABLE ") }

var (
	reParam  = regexp.MustCompile(`^-- @(\w+) ([A-Z0-9<>]+)( = .*)?$`)
	reColumn = regexp.MustCompile(`^(\w+) ([A-Z0-9<>]+)$`)
)

// parse splits a golden file. A comment before a statement that is of no known form is
// an error: a header that is not understood checks nothing.
func parse(src string) ([]statement, error) {
	var out []statement
	line := 1
	for block := range strings.SplitSeq(strings.TrimSuffix(src, "\n"), "\n\n") {
		s := statement{line: line}
		line += strings.Count(block, "\n") + 2
		for strings.HasPrefix(block, "--") {
			header, rest, _ := strings.Cut(block, "\n")
			block = rest
			if m := reParam.FindStringSubmatch(header); m != nil {
				s.params = append(s.params, column{m[1], m[2]})
			} else if list, ok := strings.CutPrefix(header, "-- gives "); ok {
				for item := range strings.SplitSeq(list, ", ") {
					m := reColumn.FindStringSubmatch(item)
					if m == nil {
						return nil, fmt.Errorf("line %d: %q is not a column", s.line, item)
					}
					s.gives = append(s.gives, column{m[1], m[2]})
				}
			} else {
				return nil, fmt.Errorf("line %d: the comment %q says nothing that is known here", s.line, header)
			}
		}
		if strings.TrimSpace(block) == "" {
			return nil, fmt.Errorf("line %d: no statement", s.line)
		}
		s.text = block
		out = append(out, s)
	}
	return out, nil
}

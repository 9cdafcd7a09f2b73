package warehouse

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

var (
	reName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)
	reCommit = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// Types lists every column type.
var Types = []Type{String, Int64, Float64, Numeric, BigNumeric, Bool, Date, DateTime, Timestamp, Time, JSON, Bytes, Geography}

// Temporal reports whether values of the type have a place on the calendar.
func (t Type) Temporal() bool { return t == Date || t == DateTime || t == Timestamp }

// Number reports whether the type is numeric.
func (t Type) Number() bool {
	return t == Int64 || t == Float64 || t == Numeric || t == BigNumeric
}

// Check reports whether the reference can name a table.
func (r Ref) Check() error {
	if !reName.MatchString(r.Dataset) || !reName.MatchString(r.Name) {
		return problem.New(problem.InvalidArgument, "%q is not a table name", r.String()).
			WithNext(problem.TurnYou, "Use letters, digits and underscores, beginning with a letter or underscore, at most 300.")
	}
	return nil
}

// Equal reports whether two columns hold the same values; descriptions do not count.
func (c Column) Equal(o Column) bool {
	return strings.EqualFold(c.Name, o.Name) && c.Type == o.Type && c.Repeated == o.Repeated && c.Required == o.Required
}

// FindColumn gives the column of that name; names differ only by more than case.
func FindColumn(cols []Column, name string) (Column, bool) {
	i := slices.IndexFunc(cols, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return Column{}, false
	}
	return cols[i], true
}

// reserved prefixes of column names, in any case
// (https://cloud.google.com/bigquery/docs/schemas#column_names).
var reserved = []string{"_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier"}

func checkColumns(where string, cols []Column) *problem.Error {
	e := problem.New(problem.InvalidArgument, "the columns of %s are not usable", where)
	seen := map[string]bool{}
	for _, c := range cols {
		switch lower := strings.ToLower(c.Name); {
		case !reName.MatchString(c.Name):
			e.WithField("columns."+c.Name, "a column name holds letters, digits and underscores, beginning with a letter or underscore, at most 300")
		case slices.ContainsFunc(reserved, func(prefix string) bool { return strings.HasPrefix(lower, prefix) }):
			e.WithField("columns."+c.Name, "a column name does not begin with %s", strings.Join(reserved, ", "))
		case seen[lower]:
			e.WithField("columns."+c.Name, "the name occurs twice; upper and lower case do not differ")
		default:
			seen[lower] = true
		}
		if !slices.Contains(Types, c.Type) {
			e.WithField("columns."+c.Name, "%q is not a column type", c.Type)
		}
		if c.Repeated && c.Required {
			e.WithField("columns."+c.Name, "an array column cannot be required")
		}
	}
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

// Create makes a table; see Driver.Create.
func (w *Warehouse) Create(ctx context.Context, t Table) error {
	if err := t.Ref.Check(); err != nil {
		return err
	}
	if len(t.Columns) == 0 {
		return problem.New(problem.InvalidArgument, "table %s needs a column", t.Ref)
	}
	if e := checkColumns(t.Ref.String(), t.Columns); e != nil {
		return e
	}
	if t.PartitionBy != "" {
		if c, ok := FindColumn(t.Columns, t.PartitionBy); !ok || !c.Type.Temporal() || c.Repeated {
			return problem.New(problem.InvalidArgument, "table %s cannot be partitioned by %q: it is not a DATE, DATETIME or TIMESTAMP column", t.Ref, t.PartitionBy)
		}
	}
	for _, name := range t.ClusterBy {
		if _, ok := FindColumn(t.Columns, name); !ok {
			return problem.New(problem.InvalidArgument, "table %s cannot be clustered by %q: there is no such column", t.Ref, name)
		}
	}
	return w.Driver.Create(ctx, t)
}

// Table describes a table; see Driver.Table.
func (w *Warehouse) Table(ctx context.Context, r Ref) (Info, error) {
	if err := r.Check(); err != nil {
		return Info{}, err
	}
	return w.Driver.Table(ctx, r)
}

// Drop removes a table; see Driver.Drop.
func (w *Warehouse) Drop(ctx context.Context, r Ref) error {
	if err := r.Check(); err != nil {
		return err
	}
	return w.Driver.Drop(ctx, r)
}

// Commit makes staged Parquet visible; see Commit and Driver.Commit.
func (w *Warehouse) Commit(ctx context.Context, c Commit) (CommitResult, error) {
	if err := c.check(); err != nil {
		return CommitResult{}, err
	}
	return w.Driver.Commit(ctx, c)
}

func (c Commit) check() error {
	if err := c.Target.Check(); err != nil {
		return err
	}
	e := problem.New(problem.InvalidArgument, "the commit to %s cannot be made", c.Target)
	if !reCommit.MatchString(c.ID) {
		e.WithField("id", "a commit needs an id of at most 128 letters, digits, _ and -")
	}
	switch c.Mode {
	case Append, Replace:
	case Upsert:
		if len(c.Keys) == 0 {
			e.WithField("keys", "upsert needs key columns")
		}
	case ReplaceFiles:
		if c.FileColumn == "" {
			e.WithField("file_column", "replace_files needs the column that holds the file's name")
		}
	default:
		e.WithField("mode", "%q is not a mode", c.Mode)
	}
	for _, names := range [][]string{c.Keys, {c.OrderBy}, {c.FileColumn}} {
		for _, n := range names {
			if n != "" && !reName.MatchString(n) {
				e.WithField("columns", "%q is not a column name", n)
			}
		}
	}
	if ce := checkColumns(c.Target.String(), c.AddColumns); ce != nil {
		e.Fields = append(e.Fields, ce.Fields...)
	}
	for _, col := range c.AddColumns {
		if col.Required {
			e.WithField("add_columns."+col.Name, "an added column cannot be required: earlier rows have no value")
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// Query runs a statement; see Driver.Query.
func (w *Warehouse) Query(ctx context.Context, s Statement, maxRows int) (Rows, error) {
	if err := s.check(); err != nil {
		return Rows{}, err
	}
	if maxRows < 1 {
		return Rows{}, problem.New(problem.InvalidArgument, "a query asks for at least one row, not %d", maxRows)
	}
	cost, err := w.afford(ctx, &s)
	if err != nil {
		return Rows{}, err
	}
	out, err := w.Driver.Query(ctx, s, maxRows)
	out.Cost = cost
	return out, err
}

// Head gives some rows of a table or view. Those of a table cost nothing; a view is
// a statement, see Query.
func (w *Warehouse) Head(ctx context.Context, r Ref, maxRows int) (Rows, error) {
	info, err := w.Table(ctx, r)
	if err != nil {
		return Rows{}, err
	}
	if info.Rows < 0 || maxRows < 1 {
		return w.Query(ctx, Statement{SQL: "SELECT * FROM " + w.Dialect().Table(r)}, maxRows)
	}
	return w.Driver.Head(ctx, r, maxRows)
}

// DryRun checks a statement; see Driver.DryRun.
func (w *Warehouse) DryRun(ctx context.Context, s Statement) (Estimate, error) {
	if err := s.check(); err != nil {
		return Estimate{}, err
	}
	return w.Driver.DryRun(ctx, s)
}

// Materialize replaces a table by a result; see Driver.Materialize.
func (w *Warehouse) Materialize(ctx context.Context, r Ref, s Statement) (int64, error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	if err := s.check(); err != nil {
		return 0, err
	}
	if _, err := w.afford(ctx, &s); err != nil {
		return 0, err
	}
	return w.Driver.Materialize(ctx, r, s)
}

// Export writes a result as Parquet; see Driver.Export.
func (w *Warehouse) Export(ctx context.Context, s Statement, prefix string) ([]string, int64, error) {
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	if !strings.HasSuffix(prefix, "/") {
		return nil, 0, problem.New(problem.InvalidArgument, "an export's prefix ends in a slash: %q does not", prefix)
	}
	if _, err := w.afford(ctx, &s); err != nil {
		return nil, 0, err
	}
	return w.Driver.Export(ctx, s, prefix)
}

func (s Statement) check() error {
	if strings.TrimSpace(s.SQL) == "" {
		return problem.New(problem.InvalidArgument, "the statement is empty")
	}
	if len(s.Labels) > 64 {
		return problem.New(problem.InvalidArgument, "a statement has at most 64 labels, not %d", len(s.Labels))
	}
	used := map[string]bool{}
	for name := range ParamNames(s.SQL) {
		used[name] = true
		if _, ok := s.Params[name]; !ok {
			return problem.New(problem.InvalidArgument, "the statement's parameter @%s has no value", name)
		}
	}
	for name, v := range s.Params {
		if !used[name] {
			return problem.New(problem.InvalidArgument, "the statement does not use its parameter @%s", name)
		}
		switch v.(type) {
		case string, int64, float64, bool, time.Time, []string, []int64:
		default:
			return problem.New(problem.InvalidArgument, "parameter @%s cannot be a %T", name, v)
		}
	}
	return nil
}

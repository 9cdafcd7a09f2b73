package bigquery

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	bq "cloud.google.com/go/bigquery"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Commit loads the objects into a staging table, checks them there, makes the added
// columns, and applies c in one transaction that also writes its record. Every step
// may be repeated by anybody at any time; see run.
func (d *Driver) Commit(ctx context.Context, c warehouse.Commit) (warehouse.CommitResult, error) {
	if r, err := d.Committed(ctx, c.ID); !problem.Is(err, problem.NotFound) {
		r.Repeated = true
		return r, err
	}
	p, err := d.plan(ctx, c)
	if err != nil {
		return warehouse.CommitResult{}, err
	}
	mine := false
	for range 2 {
		if err = d.stage(ctx, p); err == nil {
			mine, err = d.apply(ctx, p)
		}
		if !problem.Is(err, problem.NotFound) {
			break
		}
		// The staging table went away: whoever made the commit dropped it, or it expired.
		if r, err := d.Committed(ctx, c.ID); !problem.Is(err, problem.NotFound) {
			r.Repeated = true
			return r, err
		}
	}
	if err != nil {
		return warehouse.CommitResult{}, err
	}
	r, err := d.Committed(ctx, c.ID)
	if err != nil {
		return r, err
	}
	r.Repeated = !mine
	d.discard(ctx, p.staging)
	return r, nil
}

// plan is what is known of a commit before anything is written.
type plan struct {
	warehouse.Commit
	target  []warehouse.Column // with those that will be added
	objects contents
	staging warehouse.Ref
	// nullable are the key columns in which some staged row has no value.
	nullable map[string]bool
}

// staged says whether there are rows to load.
func (p *plan) staged() bool { return p.objects.rows > 0 }

// plan reads the table's description and the objects' footers, and names everything
// that does not fit.
func (d *Driver) plan(ctx context.Context, c warehouse.Commit) (*plan, error) {
	what := fmt.Sprintf("the commit %s to %s", c.ID, c.Target)
	if len(c.URIs) > MaxURIs {
		return nil, problem.New(problem.InvalidArgument, "%s has %d objects; one load job takes at most %d", what, len(c.URIs), MaxURIs).
			WithNext(problem.TurnPlatform, "Write fewer, larger objects.")
	}
	info, err := d.Table(ctx, c.Target)
	if err != nil {
		return nil, err
	}
	if info.Rows < 0 {
		return nil, problem.New(problem.FailedPrecondition, "%s is a view; rows cannot be committed to it", c.Target)
	}
	p := &plan{Commit: c, nullable: map[string]bool{}}
	p.staging = warehouse.Ref{Dataset: Staging, Name: fmt.Sprintf("commit_%x", sha256.Sum256([]byte(c.ID)))}
	if p.target, err = withColumns(info, c.AddColumns); err != nil {
		return nil, err
	}
	for _, n := range slices.Concat(c.Keys, []string{c.OrderBy, c.FileColumn}) {
		if _, ok := warehouse.FindColumn(p.target, n); n != "" && !ok {
			return nil, problem.New(problem.InvalidArgument, "table %s has no column %q", c.Target, n)
		}
	}
	if p.objects, err = d.footers(ctx, c.URIs); err != nil {
		return nil, engineProblem(ctx, err, what)
	}
	e := problem.New(problem.InvalidArgument, "the objects of commit %s do not fit table %s", c.ID, c.Target).
		WithNext(problem.TurnYou, "Add the column to the table, or leave it out of the load.")
	for _, col := range p.objects.columns {
		to, ok := warehouse.FindColumn(p.target, col.Name)
		switch {
		case !ok:
			e.WithField("columns."+col.Name, "the table has no such column")
		case to.Repeated != col.Repeated || to.Repeated && to.Type != col.Type || !converts(col.Type, to.Type):
			e.WithField("columns."+col.Name, "it is %s; the table's is %s", describe(col), describe(to))
		}
	}
	for _, col := range p.target {
		if _, ok := warehouse.FindColumn(p.objects.columns, col.Name); col.Required && !ok && p.staged() {
			e.WithField("columns."+col.Name, "the table requires it and the objects lack it")
		}
	}
	for _, k := range c.Keys {
		if to, _ := warehouse.FindColumn(p.target, k); to.Repeated || to.Type == warehouse.JSON || to.Type == warehouse.Geography {
			e.WithField("columns."+k, "%s cannot be a key", describe(to))
		}
		if _, ok := warehouse.FindColumn(p.objects.columns, k); !ok && p.staged() {
			e.WithField("columns."+k, "it is a key and the objects lack it")
		}
	}
	if _, ok := warehouse.FindColumn(p.objects.columns, c.OrderBy); c.OrderBy != "" && !ok && p.staged() {
		e.WithField("columns."+c.OrderBy, "it orders the batch and the objects lack it")
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return p, nil
}

// stage loads the objects, checks what came in, and makes the added columns.
func (d *Driver) stage(ctx context.Context, p *plan) error {
	if p.staged() {
		if err := d.load(ctx, p); err != nil {
			return err
		}
		if err := d.check(ctx, p); err != nil {
			return err
		}
	}
	if len(p.AddColumns) == 0 {
		return nil
	}
	return d.addColumns(ctx, p.Target, p.AddColumns)
}

// load fills the staging table by one job. It replaces what the table held, so an
// attempt after a failure leaves nothing twice.
func (d *Driver) load(ctx context.Context, p *plan) error {
	what := fmt.Sprintf("loading the objects of commit %s", p.ID)
	if err := d.dataset(ctx, Staging, stagingLife); err != nil {
		return err
	}
	ended, err := d.run(ctx, work{
		kind: "load", id: "b2brecs_load_" + p.ID,
		start: func(c *bq.Client, id bq.JobIDConfig, labels map[string]string) (*bq.Job, error) {
			from := bq.NewGCSReference(p.URIs...)
			from.SourceFormat, from.Schema = bq.Parquet, schemaOf(p.objects.columns)
			from.ParquetOptions = &bq.ParquetOptions{EnableListInference: true, EnumAsString: true}
			l := c.Dataset(p.staging.Dataset).Table(p.staging.Name).LoaderFrom(from)
			l.JobIDConfig, l.Labels = id, labels
			l.DecimalTargetTypes = []bq.DecimalTargetType{bq.NumericTargetType, bq.BigNumericTargetType}
			l.WriteDisposition, l.CreateDisposition = bq.WriteTruncate, bq.CreateIfNeeded
			return l.Run(ctx)
		},
		// The table of an earlier load may have expired.
		usable: func(*bq.JobStatistics) (bool, error) {
			_, err := d.Table(ctx, p.staging)
			if problem.Is(err, problem.NotFound) {
				return false, nil
			}
			return err == nil, err
		},
	})
	if err != nil {
		return engineProblem(ctx, err, what)
	}
	stats, ok := ended.stats.Details.(*bq.LoadStatistics)
	if !ok || stats.OutputRows != p.objects.rows {
		return problem.New(problem.Internal, "the counts of commit %s do not reconcile: its objects have %d rows, and the load gave %+v", p.ID, p.objects.rows, stats)
	}
	return nil
}

// check counts the staged rows that would not go into the table, before anything of
// the table is touched.
func (d *Driver) check(ctx context.Context, p *plan) error {
	what := fmt.Sprintf("checking the rows of commit %s", p.ID)
	text, checks := checkSQL(p)
	if len(checks) == 0 {
		return nil
	}
	ended, err := d.run(ctx, d.statement(ctx, "check", warehouse.Statement{SQL: text}, own))
	if err != nil {
		return engineProblem(ctx, err, what)
	}
	rows, err := read(ctx, ended.job, 1)
	if err != nil {
		return engineProblem(ctx, err, what)
	}
	e := problem.New(problem.InvalidArgument, "rows of commit %s do not fit table %s", p.ID, p.Target).
		WithNext(problem.TurnYou, "Correct the source, or choose another type for the column.")
	for i, c := range checks {
		n, _ := rows.Values[0][i].(int64)
		switch {
		case n == 0:
		case c.key:
			p.nullable[c.column.Name] = true
		case c.absent:
			e.WithField("columns."+c.column.Name, "%d rows have no value, and the table requires one", n)
		default:
			e.WithField("columns."+c.column.Name, "the values of %d rows are not %s", n, describe(c.column))
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// apply runs the transaction and says whether this call made it. NotFound when the
// staging table is gone.
func (d *Driver) apply(ctx context.Context, p *plan) (mine bool, err error) {
	text, params := applySQL(p)
	w := d.statement(ctx, "commit", warehouse.Statement{SQL: text, Params: params}, own)
	w.id = "b2brecs_commit_" + p.ID
	// A job may be older than the ledger, where a dataset was dropped and made again.
	w.usable = func(*bq.JobStatistics) (bool, error) {
		_, err := d.Committed(ctx, p.ID)
		if problem.Is(err, problem.NotFound) {
			return false, nil
		}
		return err == nil, err
	}
	ended, err := d.run(ctx, w)
	return ended.mine, engineProblem(ctx, err, fmt.Sprintf("the commit %s to %s", p.ID, p.Target))
}

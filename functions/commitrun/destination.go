package commitrun

import (
	"context"
	"slices"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// columns of the destination: the contract's, and where a row came from.
func columns(job etl.Job) []warehouse.Column {
	out := make([]warehouse.Column, 0, len(job.Columns)+2)
	for _, c := range job.Columns {
		out = append(out, warehouse.Column{Name: c.Name, Type: c.Type, Description: c.SourceType})
	}
	if job.Files != nil && job.Load == etl.Transactional {
		out = append(out, warehouse.Column{Name: etl.FileColumn, Type: warehouse.String}, warehouse.Column{Name: etl.FileGenerationColumn, Type: warehouse.String})
	}
	return out
}

// ensureTable makes the destination where it is missing. Catalog tables are
// replaced with their commit and need the columns of today.
func (s Services) ensureTable(ctx context.Context, job etl.Job) error {
	_, err := s.Warehouse.Table(ctx, job.Destination)
	if !problem.Is(err, problem.NotFound) {
		return err
	}
	t := warehouse.Table{Ref: job.Destination, Columns: columns(job), Labels: map[string]string{"load": string(job.Load), "job": job.ID},
		Description: "Loaded by " + job.Name}
	if job.Load == etl.Transactional {
		for _, c := range job.Columns {
			if c.Name == job.TimestampColumn && (c.Type == warehouse.Timestamp || c.Type == warehouse.DateTime || c.Type == warehouse.Date) {
				t.PartitionBy = c.Name
			}
		}
		t.ClusterBy = job.Keys
	}
	return s.Warehouse.Create(ctx, t)
}

func (s Services) request(ctx context.Context, run etl.Run, job etl.Job) (warehouse.Commit, error) {
	c := warehouse.Commit{ID: run.ID, Target: job.Destination, Mode: warehouse.Append}
	table, err := s.Warehouse.Table(ctx, job.Destination)
	if err != nil {
		return c, err
	}
	for _, col := range columns(job) {
		if !slices.ContainsFunc(table.Columns, func(x warehouse.Column) bool { return x.Name == col.Name }) {
			c.AddColumns = append(c.AddColumns, col)
		}
	}
	chunks, err := s.ETL.Planned(ctx, run)
	if err != nil {
		return c, err
	}
	if len(chunks) != run.Chunks {
		// Another call has ended the run meanwhile and folds them: whoever comes again sees that.
		return c, problem.New(problem.Unavailable, "%d of %d chunks of run #%d are there", len(chunks), run.Chunks, run.Number)
	}
	for _, chunk := range chunks {
		for _, key := range chunk.Objects {
			c.URIs = append(c.URIs, s.Staging.URI(key))
		}
	}
	switch {
	case job.Load == etl.Catalog:
		c.Mode = warehouse.Replace
	case len(job.Keys) > 0:
		c.Mode, c.Keys, c.OrderBy = warehouse.Upsert, job.Keys, job.TimestampColumn
	case job.Files != nil:
		c.Mode, c.FileColumn = warehouse.ReplaceFiles, etl.FileColumn
		for _, f := range run.Files {
			if _, bad := run.FileProblems[f.Key]; !bad {
				c.Files = append(c.Files, f.Key)
			}
		}
	}
	return c, nil
}

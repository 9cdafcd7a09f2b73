package bigquery

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	bq "cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Create makes a table; the same one again is fine.
func (d *Driver) Create(ctx context.Context, t warehouse.Table) error {
	if len(t.Columns) > MaxColumns {
		return problem.New(problem.InvalidArgument, "table %s cannot have %d columns: BigQuery takes at most %d", t.Ref, len(t.Columns), MaxColumns)
	}
	if len(t.ClusterBy) > MaxClusterColumns {
		return problem.New(problem.InvalidArgument, "table %s cannot be clustered by %d columns: BigQuery takes at most %d", t.Ref, len(t.ClusterBy), MaxClusterColumns)
	}
	if err := d.dataset(ctx, t.Ref.Dataset, 0); err != nil {
		return err
	}
	md := &bq.TableMetadata{Schema: schemaOf(t.Columns), Description: t.Description, Labels: t.Labels}
	if t.PartitionBy != "" {
		md.TimePartitioning = &bq.TimePartitioning{Type: bq.DayPartitioningType, Field: t.PartitionBy}
	}
	if len(t.ClusterBy) > 0 {
		md.Clustering = &bq.Clustering{Fields: t.ClusterBy}
	}
	err := d.call(ctx, "creating "+t.Ref.String(), func(c *bq.Client) error {
		return c.Dataset(t.Ref.Dataset).Table(t.Ref.Name).Create(ctx, md)
	})
	if !problem.Is(err, problem.AlreadyExists) {
		return err
	}
	have, err := d.Table(ctx, t.Ref)
	if err != nil {
		return err
	}
	same := len(have.Columns) == len(t.Columns)
	for i := 0; same && i < len(t.Columns); i++ {
		same = have.Columns[i].Equal(t.Columns[i])
	}
	if !same {
		return problem.New(problem.AlreadyExists, "table %s exists with other columns", t.Ref).
			WithNext(problem.TurnYou, "Choose another table name, or drop the table first.")
	}
	return nil
}

// Table describes a table or view.
func (d *Driver) Table(ctx context.Context, r warehouse.Ref) (warehouse.Info, error) {
	info, _, err := d.table(ctx, r)
	return info, err
}

// table also gives the etag.
func (d *Driver) table(ctx context.Context, r warehouse.Ref) (warehouse.Info, string, error) {
	var md *bq.TableMetadata
	err := d.call(ctx, "reading the description of "+r.String(), func(c *bq.Client) (err error) {
		md, err = c.Dataset(r.Dataset).Table(r.Name).Metadata(ctx)
		return err
	})
	if problem.Is(err, problem.NotFound) {
		return warehouse.Info{}, "", problem.New(problem.NotFound, "there is no table %s", r)
	}
	if err != nil {
		return warehouse.Info{}, "", err
	}
	info := warehouse.Info{Modified: md.LastModifiedTime.UTC(), Rows: int64(md.NumRows), Bytes: md.NumBytes}
	info.Table = warehouse.Table{Ref: r, Description: md.Description, Labels: md.Labels}
	if info.Columns, err = columnsOf(md.Schema); err != nil {
		return warehouse.Info{}, "", err
	}
	if md.TimePartitioning != nil {
		info.PartitionBy = md.TimePartitioning.Field
	}
	if md.Clustering != nil {
		info.ClusterBy = md.Clustering.Fields
	}
	if md.Type != bq.RegularTable {
		info.Rows, info.Bytes = -1, -1
	}
	return info, md.ETag, nil
}

// listers is how many descriptions are read side by side: the list itself tells
// neither columns nor rows, and 100 requests a second are allowed
// (https://cloud.google.com/bigquery/quotas#api_request_quotas).
const listers = 8

// Tables lists a dataset, most rows first. Tables that the product cannot describe,
// such as those with records, are left out.
func (d *Driver) Tables(ctx context.Context, dataset string) ([]warehouse.Info, error) {
	var refs []warehouse.Ref
	err := d.call(ctx, "listing the tables of "+dataset, func(c *bq.Client) error {
		refs = nil
		for it := c.Dataset(dataset).Tables(ctx); ; {
			t, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			refs = append(refs, warehouse.Ref{Dataset: dataset, Name: t.TableID})
		}
	})
	if problem.Is(err, problem.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make([]*warehouse.Info, len(refs))
	var g errgroup.Group
	g.SetLimit(listers)
	for i, r := range refs {
		g.Go(func() error {
			info, err := d.Table(ctx, r)
			switch {
			case err == nil:
				found[i] = &info
			case !problem.Is(err, problem.NotFound) && !problem.Is(err, problem.InvalidArgument): // dropped meanwhile; not describable
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []warehouse.Info
	for _, info := range found {
		if info != nil {
			out = append(out, *info)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Rows > out[j].Rows })
	return out, nil
}

// Drop removes a table or view; an absent one is fine.
func (d *Driver) Drop(ctx context.Context, r warehouse.Ref) error {
	err := d.call(ctx, "dropping "+r.String(), func(c *bq.Client) error {
		return c.Dataset(r.Dataset).Table(r.Name).Delete(ctx)
	})
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	return err
}

// addColumns makes the columns that the table lacks and gives all of them.
func (d *Driver) addColumns(ctx context.Context, r warehouse.Ref, add []warehouse.Column) error {
	for range d.retry.attempts {
		info, etag, err := d.table(ctx, r)
		if err != nil {
			return err
		}
		cols, err := withColumns(info, add)
		if err != nil || len(cols) == len(info.Columns) {
			return err
		}
		// The etag keeps what somebody else adds at the same time.
		err = d.call(ctx, "adding columns to "+r.String(), func(c *bq.Client) error {
			_, err := c.Dataset(r.Dataset).Table(r.Name).Update(ctx, bq.TableMetadataToUpdate{Schema: schemaOf(cols)}, etag)
			return err
		})
		if !problem.Is(err, problem.FailedPrecondition) {
			return err
		}
	}
	return problem.New(problem.Unavailable, "the columns of %s changed %d times while some were added", r, d.retry.attempts)
}

// withColumns gives the table's columns and, after them, those of add that it lacks.
func withColumns(info warehouse.Info, add []warehouse.Column) ([]warehouse.Column, error) {
	cols := append([]warehouse.Column{}, info.Columns...)
	for _, c := range add {
		have, ok := warehouse.FindColumn(cols, c.Name)
		if !ok {
			cols = append(cols, c)
		} else if have.Type != c.Type || have.Repeated != c.Repeated {
			return nil, problem.New(problem.FailedPrecondition, "column %s.%s exists as %s; it cannot be added as %s", info.Ref, c.Name, have.Type, c.Type)
		}
	}
	return cols, nil
}

// dataset makes a dataset where there is none. life is how long its tables live, 0 for ever.
func (d *Driver) dataset(ctx context.Context, name string, life time.Duration) error {
	return d.once(name, func() error {
		err := d.call(ctx, "reading the description of dataset "+name, func(c *bq.Client) error {
			_, err := c.Dataset(name).Metadata(ctx)
			return err
		})
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		err = d.call(ctx, fmt.Sprintf("creating dataset %s in %s", name, d.o.Region), func(c *bq.Client) error {
			return c.Dataset(name).Create(ctx, &bq.DatasetMetadata{Location: d.o.Region, DefaultTableExpiration: life})
		})
		if problem.Is(err, problem.AlreadyExists) {
			return nil
		}
		return err
	})
}

// call makes one request, again where the reply was lost.
func (d *Driver) call(ctx context.Context, what string, fn func(c *bq.Client) error) error {
	c, err := d.client.Get(ctx)
	if err == nil {
		err = d.retry.do(ctx, func() error { return fn(c) })
	}
	return engineProblem(ctx, err, what)
}

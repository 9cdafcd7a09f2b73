package bigquery

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	bq "cloud.google.com/go/bigquery"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Export writes the result into a table of its own and extracts that; extracting is
// free of charge. The objects are prefix + part-NNNNNNNNNNNN.parquet, numbered from 0
// (https://cloud.google.com/bigquery/docs/exporting-data#exporting_data_into_one_or_more_files).
// Their number and the order of rows across them are BigQuery's choice. Each object is
// replaced as a whole; what an earlier export left beyond them is removed afterwards.
func (d *Driver) Export(ctx context.Context, s warehouse.Statement, prefix string) ([]string, int64, error) {
	what := "the export to " + prefix
	bucket, dir, err := d.bucket(ctx, prefix)
	if err != nil {
		return nil, 0, err
	}
	if err := d.dataset(ctx, Staging, stagingLife); err != nil {
		return nil, 0, err
	}
	r := warehouse.Ref{Dataset: Staging, Name: "export_" + state.NewID()}
	rows, err := d.into(ctx, what, r, s)
	if err != nil {
		return nil, 0, err
	}
	defer d.discard(ctx, r)
	ended, err := d.run(ctx, work{kind: "export", labels: s.Labels, start: func(c *bq.Client, id bq.JobIDConfig, labels map[string]string) (*bq.Job, error) {
		to := bq.NewGCSReference(prefix + "part-*.parquet")
		to.DestinationFormat, to.Compression = bq.Parquet, "ZSTD"
		e := c.Dataset(r.Dataset).Table(r.Name).ExtractorTo(to)
		e.JobIDConfig, e.Labels = id, labels
		return e.Run(ctx)
	}})
	if err != nil {
		return nil, 0, engineProblem(ctx, err, what)
	}
	stats, ok := ended.stats.Details.(*bq.ExtractStatistics)
	if !ok || len(stats.DestinationURIFileCounts) != 1 || stats.DestinationURIFileCounts[0] < 1 {
		return nil, 0, problem.New(problem.Internal, "%s ended without the number of its objects", what)
	}
	uris := make([]string, stats.DestinationURIFileCounts[0])
	for i := range uris {
		uris[i] = fmt.Sprintf("%spart-%012d.parquet", prefix, i)
	}
	return uris, rows, removeOthers(ctx, bucket, dir, prefix, uris)
}

var rePart = regexp.MustCompile(`^part-[0-9]{12}\.parquet$`)

// removeOthers removes what an earlier export wrote and this one did not.
func removeOthers(ctx context.Context, bucket *blob.Bucket, dir, prefix string, keep []string) error {
	old, err := (&objects.Bucket{Bucket: bucket}).List(ctx, dir)
	if err != nil {
		return err
	}
	for _, o := range old {
		name := strings.TrimPrefix(o.Key, dir)
		if !rePart.MatchString(name) || slices.Contains(keep, prefix+name) {
			continue
		}
		if err := bucket.Delete(ctx, o.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return objects.Problem(err, o.Key)
		}
	}
	return nil
}

// discard drops a staging table. A failure is of no account: the table expires.
func (d *Driver) discard(ctx context.Context, r warehouse.Ref) {
	_ = d.Drop(context.WithoutCancel(ctx), r)
}

// bucket opens the bucket of a gs:// address and gives the key.
func (d *Driver) bucket(ctx context.Context, uri string) (*blob.Bucket, string, error) {
	rest, ok := strings.CutPrefix(uri, "gs://")
	name, key, found := strings.Cut(rest, "/")
	if !ok || !found || name == "" || strings.ContainsAny(uri, "*\n\r") {
		return nil, "", problem.New(problem.InvalidArgument, "%q is not an address gs://bucket/key without wildcards", uri)
	}
	b, err := d.o.Bucket(ctx, name)
	if err != nil {
		return nil, "", problem.Wrap(err, problem.CodeOf(err), "the bucket %s cannot be opened", name)
	}
	return b, key, nil
}

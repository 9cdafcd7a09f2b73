package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

const sampleSeed = 7

// sampleTables are the files of the sample company and how each is loaded.
var sampleTables = []struct {
	table string
	file  string
	load  etl.LoadType
}{
	{"sample_customers", "customers.csv", etl.Catalog},
	{"sample_products", "products.csv", etl.Catalog},
	{"sample_transactions", "transactions.parquet", etl.Transactional},
}

// runSample takes the sample company from raw files to recommendations. What is
// done is not done again.
func runSample(ctx context.Context, c *client.Client, size string, asJSON bool) error {
	f := &flow{c: c, p: newProgress(), project: "sample", name: "Sample company", timings: map[string]float64{}}
	if err := f.loadSample(ctx, size); err != nil {
		return err
	}
	if err := f.ensureProject(ctx, "Sample company"); err != nil {
		return err
	}
	var names []string
	for _, t := range sampleTables {
		names = append(names, t.table)
	}
	refs := tablesOf(names...)
	if err := f.run(ctx, refs, refs[2], choices{}); err != nil {
		return err
	}
	if asJSON {
		return printJSON(os.Stdout, map[string]any{"seed": sampleSeed, "experiment": f.experiment.ID, "metrics": f.experiment.Metrics, "timings": f.timings})
	}
	fmt.Printf("\nsample company, seed %d", sampleSeed)
	printMetrics(os.Stdout, f.experiment)
	return nil
}

func (f *flow) loadSample(ctx context.Context, size string) error {
	jobs, err := client.Get[api.List[etl.Job]](ctx, f.c, "/v1/etl/jobs?limit=200")
	if err != nil {
		return err
	}
	status := map[string]etl.Job{}
	for _, j := range jobs.Items {
		status[j.Destination.Name] = j
	}
	dir := ""
	for _, t := range sampleTables {
		j, known := status[t.table]
		if known && (j.LastStatus == etl.Completed || j.LastStatus == etl.Partial) {
			continue
		}
		if known && (j.LastStatus == etl.Pending || j.LastStatus == etl.Running) { // interrupted: it goes on by itself
			if _, err := followJob(ctx, f.c, f.p, j.ID, ""); err != nil {
				return err
			}
			continue
		}
		if dir == "" {
			if dir, err = os.MkdirTemp("", "b2brecs-sample-"); err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			f.p.Step("sample: generating the company (%s, seed %d)", size, sampleSeed)
			if _, err := writeSample(size, dir, sampleSeed); err != nil {
				return err
			}
			f.p.Done("sample: a company of size %s, seed %d", size, sampleSeed)
		}
		if _, err := loadFile(ctx, f.c, f.p, filepath.Join(dir, t.file), t.table, t.load); err != nil {
			return err
		}
	}
	return nil
}

func tablesOf(names ...string) []warehouse.Ref {
	out := make([]warehouse.Ref, len(names))
	for i, n := range names {
		out[i] = warehouse.Ref{Dataset: warehouse.Raw, Name: strings.TrimSpace(n)}
	}
	return out
}

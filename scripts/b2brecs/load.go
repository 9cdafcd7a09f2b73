package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func loadCommand() *cobra.Command {
	var table, load string
	cmd := &cobra.Command{
		Use: "load FILE", Short: "Load a CSV or Parquet file into a table", Args: cobra.ExactArgs(1),
		Long: "load uploads a file and follows its run. Files of a transactional table add up, one that\nis loaded again takes the place of its earlier rows; a catalog table holds the newest file.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, closeClient, err := connect(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeClient()) }()
			p := newProgress()
			run, err := loadFile(cmd.Context(), c, p, args[0], table, etl.LoadType(load))
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, run)
			}
			fmt.Printf("%s: %s rows in %s\n", run.Destination, thousands(run.RowsStaged), run.Status)
			return nil
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "table in raw_data; the file's name when left out")
	cmd.Flags().StringVar(&load, "load", string(etl.Catalog), "transactional or catalog")
	return cmd
}

type newJob struct {
	Name        string          `json:"name"`
	Connection  string          `json:"connection"`
	Files       etl.FileOptions `json:"files"`
	Load        etl.LoadType    `json:"load"`
	Destination map[string]any  `json:"destination"`
}

// loadFile makes the job of a table, uploads the file, and follows the run that
// the upload starts. A file that is loaded already gives its former run.
func loadFile(ctx context.Context, c *client.Client, p *progress, name, table string, load etl.LoadType) (etl.Run, error) {
	f, err := os.Open(name)
	if err != nil {
		return etl.Run{}, problem.New(problem.InvalidArgument, "%s cannot be opened", name).WithCause("%v", err).
			WithNext(problem.TurnYou, "Check the path and the permissions.")
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return etl.Run{}, problem.New(problem.InvalidArgument, "%s is not a file", name)
	}
	if st.Size() == 0 {
		return etl.Run{}, problem.New(problem.InvalidArgument, "%s is empty", name).
			WithNext(problem.TurnYou, "Give a CSV or Parquet file with a header and rows.")
	}
	if table == "" {
		table = etl.Name(trimExtensions(filepath.Base(name)))
	}
	prefix := table + "/"
	pattern := "*"
	job, err := client.Post[etl.Job](ctx, c, "/v1/etl/jobs", newJob{Name: table, Connection: etl.UploadsConnection, Load: load,
		Files:       etl.FileOptions{Prefix: prefix, Pattern: pattern, LatestOnly: load == etl.Catalog},
		Destination: map[string]any{"dataset": "raw_data", "name": table}}, "table-"+table)
	if err != nil {
		return etl.Run{}, err
	}
	// In tenths: where there is no terminal, each is a line.
	sent := func(n int64) {
		if done := n * 10 / st.Size(); done > 0 && done < 10 {
			p.Step("%s: uploading %s MB, %d%%", table, thousands(st.Size()>>20), done*10)
		}
	}
	p.Step("%s: uploading %s MB", table, thousands(st.Size()>>20))
	if err := c.Upload(ctx, prefix+filepath.Base(name), st.Size(), f, sent); err != nil {
		return etl.Run{}, err
	}
	before := job.LastRun
	return followJob(ctx, c, p, job.ID, before)
}

func trimExtensions(base string) string {
	for {
		switch ext := filepath.Ext(base); ext {
		case ".csv", ".tsv", ".txt", ".parquet", ".gz", ".zst":
			base = base[:len(base)-len(ext)]
		default:
			return base
		}
	}
}

// followJob waits for a run after the one named before, and for its end.
func followJob(ctx context.Context, c *client.Client, p *progress, job, before string) (etl.Run, error) {
	var run etl.Run
	err := c.Follow(ctx, []string{etl.RunsCollection, etl.JobsCollection, etl.ChunksCollection}, func() (bool, error) {
		j, err := client.Get[etl.Job](ctx, c, "/v1/etl/jobs/%s", job)
		if err != nil || j.LastRun == before || j.LastRun == "" {
			return false, err
		}
		if run, err = client.Get[etl.Run](ctx, c, "/v1/etl/runs/%s", j.LastRun); err != nil {
			return false, err
		}
		p.Step("%s", describeRun(run))
		return run.Status.Ended(), nil
	})
	if err != nil {
		return run, err
	}
	if run.Status == etl.Failed && run.Error != nil {
		return run, run.Error
	}
	if run.Status == etl.Cancelled {
		return run, problem.New(problem.Cancelled, "run #%d was cancelled", run.Number)
	}
	seconds := run.EndedAt.Sub(run.StartedAt).Seconds()
	rejected := ""
	if run.RowsRejected > 0 {
		rejected = fmt.Sprintf(", %s rejected", thousands(run.RowsRejected))
	}
	p.Done("%s: %s rows loaded%s in %.1f s (%s)", run.Destination.Name, thousands(run.RowsStaged), rejected, seconds, run.Status)
	return run, nil
}

func describeRun(r etl.Run) string {
	phase := "waiting"
	for _, x := range r.Phases {
		if x.Ended.IsZero() {
			phase = x.Name
		}
	}
	text := fmt.Sprintf("%s: %s", r.Destination.Name, phase)
	if r.Chunks > 0 {
		text += fmt.Sprintf(", chunk %d of %d, %s rows", r.ChunksLoaded, r.Chunks, thousands(r.RowsStaged))
	}
	return text
}

func runsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "runs", Short: "List the latest loads", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, closeClient, err := connect(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeClient()) }()
			list, err := client.Get[api.List[etl.Run]](cmd.Context(), c, "/v1/etl/runs?limit=%d", limit)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, list)
			}
			rows := [][]string{{"run", "status", "table", "rows", "rejected", "started"}}
			for _, r := range list.Items {
				rows = append(rows, []string{fmt.Sprintf("#%d", r.Number), string(r.Status), r.Destination.Name, thousands(r.RowsStaged),
					thousands(r.RowsRejected), r.CreatedAt.Local().Format(time.DateTime)})
			}
			table(os.Stdout, rows)
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	return cmd
}

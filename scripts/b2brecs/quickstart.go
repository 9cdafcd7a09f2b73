package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/experiment"
)

// report is what quickstart prints with --json.
type report struct {
	Run             string               `json:"run"`
	Rows            rowCounts            `json:"rows"`
	Roles           map[string]*roleSaid `json:"roles"` // customer, product, time, value; null where there is none
	Split           splitSaid            `json:"split"`
	Metrics         *experiment.Metrics  `json:"metrics"`
	Recommendations recommendationsSaid  `json:"recommendations"`
	Timings         map[string]float64   `json:"timings"` // seconds by stage
}

type rowCounts struct {
	Read     int64 `json:"read"`
	Loaded   int64 `json:"loaded"`
	Rejected int64 `json:"rejected"`
}

type roleSaid struct {
	Column     string `json:"column"` // as the file calls it
	Confidence string `json:"confidence"`
	Why        string `json:"why"`
}

type splitSaid struct {
	Strategy string `json:"strategy"`
	Train    int64  `json:"train"`
	Eval     int64  `json:"eval"`
	Test     int64  `json:"test"`
}

type recommendationsSaid struct {
	Customer string               `json:"customer"`
	Items    []recommendationItem `json:"items"`
}

func quickstartCommand() *cobra.Command {
	var given [4]string
	var ch choices
	cmd := &cobra.Command{
		Use: "quickstart FILE", Short: "From one file of transactions to metrics and recommendations", Args: cobra.ExactArgs(1),
		Long: "quickstart loads a CSV or Parquet file, guesses which columns are customer, product, time\nand value (and says how sure it is), trains, and compares with popularity and item-kNN.\nIt needs no running server; the data folder stays and can be opened with `b2brecs serve`.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if ch.split != "" && ch.split != "temporal" && ch.split != "random" {
				return fmt.Errorf("%w: --split must be temporal or random", errUsage)
			}
			start := time.Now()
			c, closeClient, err := connect(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeClient()) }()
			r, f, err := quickstart(cmd.Context(), c, args[0], given, ch, start)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, r)
			}
			printReport(r, f)
			return nil
		},
	}
	for i, role := range []string{"customer", "product", "time", "value"} {
		cmd.Flags().StringVar(&given[i], role, "", "column of the "+role+"; guessed when left out")
	}
	cmd.Flags().StringVar(&ch.split, "split", "", "temporal or random; temporal when there is a time column")
	cmd.Flags().IntVar(&ch.epochs, "epochs", 0, "most epochs to train; the default when left out")
	return cmd
}

var quickRoles = []dataset.Role{dataset.Customer, dataset.Product, dataset.Time, dataset.Value}

func quickstart(ctx context.Context, c *client.Client, file string, given [4]string, ch choices, start time.Time) (*report, *flow, error) {
	table := etl.Name(trimExtensions(filepath.Base(file)))
	f := &flow{c: c, p: newProgress(), project: "main", name: table, timings: map[string]float64{}}
	f.time("start", start)
	since := time.Now()
	run, err := loadFile(ctx, c, f.p, file, table, etl.Catalog)
	if err != nil {
		return nil, nil, err
	}
	f.time("load", since)
	job, err := client.Get[etl.Job](ctx, c, "/v1/etl/jobs/%s", run.Job)
	if err != nil {
		return nil, nil, err
	}
	ch.roles = map[dataset.Role]string{}
	for i, role := range quickRoles {
		if given[i] != "" {
			ch.roles[role] = warehouseName(job, given[i])
		}
	}
	if err := f.ensureProject(ctx, "Main"); err != nil {
		return nil, nil, err
	}
	if err := f.run(ctx, tablesOf(table), tablesOf(table)[0], ch); err != nil {
		return nil, nil, err
	}
	r := &report{Run: f.experiment.ID, Rows: rowCounts{run.RowsRead, run.RowsStaged, run.RowsRejected}, Roles: map[string]*roleSaid{},
		Split: splitSaid{Strategy: f.experiment.Settings.Split.Strategy}, Metrics: f.experiment.Metrics, Timings: f.timings}
	for _, role := range quickRoles {
		r.Roles[string(role)] = nil
		if s, ok := f.proposal.Roles[role]; ok {
			r.Roles[string(role)] = &roleSaid{sourceName(job, s.Column), s.Confidence, s.Why}
		}
	}
	if x := f.experiment.Examples; x != nil {
		r.Split.Train, r.Split.Eval, r.Split.Test = x.Rows["train"], x.Rows["eval"], x.Rows["test"]
	}
	since = time.Now()
	r.Recommendations, err = f.anybody(ctx)
	f.time("recommend", since)
	return r, f, err
}

// warehouseName gives the warehouse's name of a column the person named as the
// file does.
func warehouseName(j etl.Job, column string) string {
	for _, c := range j.Columns {
		if c.Source == column {
			return c.Name
		}
	}
	return etl.Name(column)
}

func sourceName(j etl.Job, column string) string {
	for _, c := range j.Columns {
		if c.Name == column {
			return c.Source
		}
	}
	return column
}

type listedCustomer struct {
	ID string `json:"id"`
}

// anybody shows the lists of one customer.
func (f *flow) anybody(ctx context.Context) (recommendationsSaid, error) {
	list, err := client.Get[api.List[listedCustomer]](ctx, f.c, "%s", f.path("/recommendations?limit=1&experiment=%s", url.QueryEscape(f.experiment.ID)))
	if err != nil || len(list.Items) == 0 {
		return recommendationsSaid{Items: []recommendationItem{}}, err
	}
	got, err := askRecommendations(ctx, f.c, f.project, list.Items[0].ID, f.experiment.ID, 10, false)
	return recommendationsSaid{got.Customer, got.Items}, err
}

func printReport(r *report, f *flow) {
	fmt.Printf("\nrows: %s read, %s loaded, %s rejected\n", thousands(r.Rows.Read), thousands(r.Rows.Loaded), thousands(r.Rows.Rejected))
	for _, role := range quickRoles {
		said := r.Roles[string(role)]
		if said == nil {
			fmt.Printf("%-9s —  no column fits\n", role)
			continue
		}
		fmt.Printf("%-9s %s  (%s: %s)\n", role, said.Column, said.Confidence, said.Why)
	}
	fmt.Printf("split     %s: %s train, %s eval, %s test\n", r.Split.Strategy, thousands(r.Split.Train), thousands(r.Split.Eval), thousands(r.Split.Test))
	printMetrics(os.Stdout, f.experiment)
	fmt.Printf("\ncustomer %s would get:\n", r.Recommendations.Customer)
	rows := [][]string{{"rank", "product", "score"}}
	for _, i := range r.Recommendations.Items {
		rows = append(rows, []string{fmt.Sprint(i.Rank), i.Product, fmt.Sprintf("%.4f", i.Score)})
	}
	table(os.Stdout, rows)
}

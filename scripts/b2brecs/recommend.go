package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
)

// recommendations is the reply of the recommend function, as far as it is printed.
type recommendations struct {
	Customer   string               `json:"customer"`
	Experiment string               `json:"experiment"`
	Source     string               `json:"source"`
	Reason     string               `json:"reason,omitempty"`
	Items      []recommendationItem `json:"items"`
}

type recommendationItem struct {
	Product    string         `json:"product"`
	Score      float64        `json:"score"`
	Rank       int            `json:"rank"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func recommendCommand() *cobra.Command {
	var project, run string
	var k int
	var exclude bool
	cmd := &cobra.Command{
		Use: "recommend CUSTOMER", Short: "Say what a customer would buy", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, closeClient, err := connect(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeClient()) }()
			r, err := askRecommendations(cmd.Context(), c, project, args[0], run, k, exclude)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, r)
			}
			if r.Reason != "" {
				fmt.Println(r.Reason)
			}
			rows := [][]string{{"rank", "product", "score"}}
			for _, i := range r.Items {
				rows = append(rows, []string{fmt.Sprint(i.Rank), i.Product, fmt.Sprintf("%.4f", i.Score)})
			}
			table(os.Stdout, rows)
			return nil
		},
	}
	cmd.Flags().StringVar(&project, "project", "main", "project")
	cmd.Flags().StringVar(&run, "experiment", "", "id of an experiment; the newest completed one when left out")
	cmd.Flags().IntVar(&k, "k", 10, "how many, 1 to 100")
	cmd.Flags().BoolVar(&exclude, "exclude-seen", false, "leave out what the customer bought before")
	return cmd
}

func askRecommendations(ctx context.Context, c *client.Client, project, customer, run string, k int, exclude bool) (recommendations, error) {
	q := url.Values{"k": {fmt.Sprint(k)}, "exclude_seen": {fmt.Sprint(exclude)}}
	if run != "" {
		q.Set("experiment", run)
	}
	return client.Get[recommendations](ctx, c, "%s", "/v1/projects/"+project+"/recommendations/"+url.PathEscape(customer)+"?"+q.Encode())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// newExperiment is the body of a start.
type newExperiment struct {
	FeatureConfig string               `json:"feature_config"`
	ModelConfig   string               `json:"model_config"`
	Name          string               `json:"name,omitempty"`
	Settings      *experiment.Settings `json:"settings,omitempty"`
}

func experimentCommand() *cobra.Command {
	var project, features, model, name string
	var epochs int
	cmd := &cobra.Command{
		Use: "experiment", Short: "Start an experiment and follow it, or list them", Args: cobra.NoArgs,
		Long: "experiment starts a run of a feature config and a model config and follows it to its\nmetrics. Without --features it lists the project's experiments.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, closeClient, err := connect(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeClient()) }()
			if features == "" {
				return listExperiments(cmd, c, project)
			}
			if model == "" {
				return fmt.Errorf("%w: --model is needed with --features", errUsage)
			}
			in := newExperiment{FeatureConfig: features, ModelConfig: model, Name: name}
			if epochs > 0 {
				in.Settings = &experiment.Settings{Epochs: epochs}
			}
			e, err := client.Post[experiment.Experiment](cmd.Context(), c, "/v1/projects/"+project+"/experiments", in, "")
			if err != nil {
				return err
			}
			if e, err = followExperiment(cmd.Context(), c, newProgress(), project, e.ID); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, e)
			}
			printMetrics(os.Stdout, e)
			return nil
		},
	}
	cmd.Flags().StringVar(&project, "project", "main", "project")
	cmd.Flags().StringVar(&features, "features", "", "id of a feature config")
	cmd.Flags().StringVar(&model, "model", "", "id of a model config")
	cmd.Flags().StringVar(&name, "name", "", "name of the experiment")
	cmd.Flags().IntVar(&epochs, "epochs", 0, "epochs; the model config's when left out")
	return cmd
}

func listExperiments(cmd *cobra.Command, c *client.Client, project string) error {
	list, err := client.Get[api.List[experiment.Listed]](cmd.Context(), c, "/v1/projects/%s/experiments", project)
	if err != nil {
		return err
	}
	if asJSON(cmd) {
		return printJSON(os.Stdout, list)
	}
	rows := [][]string{{"experiment", "status", "name", "recall@10", "item-kNN", "popularity", "started"}}
	for _, e := range list.Items {
		row := []string{fmt.Sprintf("#%d", e.Number), string(e.Status), e.Name, "—", "—", "—", e.CreatedAt.Local().Format(time.DateTime)}
		if m := e.Metrics; m != nil {
			for i, s := range []experiment.Scores{m.Model, m.ItemKNN, m.Popularity} {
				row[3+i] = fmt.Sprintf("%.3f", s["recall@10"])
			}
		}
		rows = append(rows, row)
	}
	table(os.Stdout, rows)
	return nil
}

// followExperiment waits for an experiment's end.
func followExperiment(ctx context.Context, c *client.Client, p *progress, project, id string) (experiment.Experiment, error) {
	var e experiment.Experiment
	done := map[string]bool{}
	err := c.Follow(ctx, []string{experiment.Collection(project)}, func() (bool, error) {
		var err error
		if e, err = client.Get[experiment.Experiment](ctx, c, "/v1/projects/%s/experiments/%s", project, id); err != nil {
			return false, err
		}
		for _, s := range e.Stages {
			if s.State == pipeline.Succeeded && !done[s.Name] {
				done[s.Name] = true
				p.Done("%-10s  %5.1f s  %s", s.Name, s.Ended.Sub(s.Started).Seconds(), s.Fact)
			}
		}
		p.Step("%s", describeExperiment(e))
		return e.Status.Ended(), nil
	})
	if err != nil {
		return e, err
	}
	switch e.Status {
	case experiment.Failed:
		if e.Error != nil {
			return e, e.Error
		}
		return e, problem.New(problem.Internal, "experiment #%d failed", e.Number)
	case experiment.Cancelled:
		return e, problem.New(problem.Cancelled, "experiment #%d was cancelled", e.Number)
	}
	p.Done("experiment #%d completed in %.1f s", e.Number, e.EndedAt.Sub(e.CreatedAt).Seconds())
	return e, nil
}

func describeExperiment(e experiment.Experiment) string {
	text := fmt.Sprintf("experiment #%d: %s, %2.0f %%", e.Number, e.Status, 100*e.Progress)
	for _, s := range e.Stages {
		if s.State == pipeline.Running {
			text += ", " + s.Name
			if s.Fact != "" {
				text += " (" + s.Fact + ")"
			}
		}
	}
	return text
}

// printMetrics prints the model beside its baselines, with the protocol.
func printMetrics(w io.Writer, e experiment.Experiment) {
	m := e.Metrics
	if m == nil {
		fmt.Fprintln(w, "no metrics")
		return
	}
	head := []string{""}
	for _, k := range m.Protocol.Cutoffs {
		head = append(head, fmt.Sprintf("recall@%d", k))
	}
	for _, k := range m.Protocol.Cutoffs {
		head = append(head, fmt.Sprintf("ndcg@%d", k))
	}
	rows := [][]string{head}
	for _, r := range []struct {
		name   string
		scores experiment.Scores
	}{{"two-tower model", m.Model}, {"item-kNN", m.ItemKNN}, {"popularity", m.Popularity}} {
		row := []string{r.name}
		for _, name := range head[1:] {
			row = append(row, fmt.Sprintf("%.4f", r.scores[name]))
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(w)
	table(w, rows)
	fmt.Fprintf(w, "\n%s.\nprotocol: %s · %s · seen items %s · %s customers · seed %d\n  %s\n", m.Verdict, m.Protocol.Split, m.Protocol.Candidates,
		m.Protocol.SeenItems, thousands(m.Protocol.Customers), m.Protocol.Seed, m.Protocol.Rules)
}

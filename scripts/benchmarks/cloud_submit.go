package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	submitsPerRound = 3
	sampleProject   = "sample"
	// submitPatience is how long an experiment may take to its job: the box's SQL engine is slow.
	submitPatience = 2 * time.Minute
	// samplePatience is how long the sample company may take from files to its experiment.
	samplePatience = 5 * time.Minute
)

// benchCloudSubmit starts experiments on the small sample through the API of a box, each
// until a client of Vertex AI finds its pipeline job. The pipelines do not run to their end.
func benchCloudSubmit(ctx context.Context, o options) (_ []measure, _ []bar, err error) {
	dir := filepath.Join(o.dir, "cloud-submit")
	b, p, end, err := openBox(ctx, dir, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	c := client.New(b.URL, b.Token)
	first, err := firstExperiment(ctx, c, dir)
	if err != nil {
		return nil, nil, err
	}
	if err := stopped(ctx, c, first.ID); err != nil {
		return nil, nil, err
	}
	var all []measure
	var middle, slowest, whole []float64
	for range o.rounds {
		var own, total []float64
		for range submitsPerRound {
			m, seconds, err := submit(ctx, c, p, first.Snapshot)
			if err != nil {
				return nil, nil, err
			}
			all, own, total = append(all, m), append(own, seconds), append(total, m.Seconds)
		}
		middle, slowest, whole = append(middle, median(own)), append(slowest, slices.Max(own)), append(whole, median(total))
	}
	return all, []bar{
		{What: fmt.Sprintf("experiment requested → its Vertex pipeline job exists, without the SQL of its examples, Google Cloud in a box, p50 of %d", submitsPerRound), Values: middle, Unit: "s", Most: limit(1)},
		{What: "the same, the slowest", Values: slowest, Unit: "s"},
		{What: "the same with the SQL of the small sample's examples", Values: whole, Unit: "s", Note: "in bqemulator, not in BigQuery"},
	}, nil
}

// firstExperiment takes the sample company as far as its first experiment.
func firstExperiment(ctx context.Context, c *client.Client, dir string) (experiment.Experiment, error) {
	ctx, cancel := context.WithTimeout(ctx, samplePatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "sample", "--run", "--data", dir)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return experiment.Experiment{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		list, err := client.Get[api.List[experiment.Experiment]](ctx, c, "/v1/projects/%s/experiments", sampleProject)
		if err == nil && len(list.Items) > 0 {
			cancel() // nobody waits for its end
			<-ended
			return list.Items[0], nil
		}
		select {
		case err := <-ended:
			return experiment.Experiment{}, fmt.Errorf("the sample company has no experiment: %w\n%s", errors.Join(err, ctx.Err()), log.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// submit starts an experiment, measures until its job exists, and stops it. own is the
// time without the making of examples, which is the SQL engine's.
func submit(ctx context.Context, c *client.Client, p *cloud.Platform, s experiment.Snapshot) (m measure, own float64, err error) {
	m.Name = "experiment → Vertex job"
	start := time.Now()
	e, err := client.Post[experiment.Experiment](ctx, c, "/v1/projects/"+sampleProject+"/experiments",
		map[string]any{"feature_config": s.FeatureConfig, "model_config": s.ModelConfig, "settings": map[string]any{"epochs": epochs}}, "")
	if err != nil {
		return m, 0, err
	}
	answered := time.Since(start)
	// until asks again and again, and gives when the answer is yes.
	until := func(ask func() (bool, error)) (time.Time, error) {
		for {
			if yes, err := ask(); yes || err != nil {
				return time.Now(), err
			}
			if time.Since(start) > submitPatience {
				return time.Time{}, fmt.Errorf("experiment #%d has no job after %s, it is %s", e.Number, submitPatience, e.Status)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	prepared, err := until(func() (_ bool, err error) {
		e, err = experiment.Of(p.State, sampleProject).Get(ctx, e.ID)
		if err == nil && e.Error != nil {
			err = e.Error
		}
		return e.Examples != nil, err
	})
	if err != nil {
		return m, 0, err
	}
	exists, err := until(func() (bool, error) {
		_, err := p.Runner.Get(ctx, e.ID)
		if problem.Is(err, problem.NotFound) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return m, 0, err
	}
	sql := prepared.Sub(e.StartedAt)
	m.Seconds, own = exists.Sub(start).Seconds(), (exists.Sub(start) - sql).Seconds()
	m.Note = fmt.Sprintf("answered after %.2f, examples %.2f, the rest %.2f s", answered.Seconds(), sql.Seconds(), own)
	m.Print()
	return m, own, stopped(ctx, c, e.ID)
}

// stopped cancels an experiment and waits until it has ended.
func stopped(ctx context.Context, c *client.Client, id string) error {
	e, err := client.Post[experiment.Experiment](ctx, c, "/v1/projects/"+sampleProject+"/experiments/"+id+"/cancel", nil, "")
	for start := time.Now(); err == nil && !e.Status.Ended(); {
		if time.Since(start) > patience {
			return fmt.Errorf("experiment #%d is %s %s after it was cancelled", e.Number, e.Status, patience)
		}
		time.Sleep(20 * time.Millisecond)
		e, err = client.Get[experiment.Experiment](ctx, c, "/v1/projects/%s/experiments/%s", sampleProject, id)
	}
	return err
}

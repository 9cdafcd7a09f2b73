package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
)

const (
	program = "bin/b2brecs"
	epochs  = 2
	// tutorialBatch is the batch of the TFRS tutorial on retrieval
	// (https://www.tensorflow.org/recommenders/examples/basic_retrieval), in round numbers.
	tutorialBatch = 4096
)

// sampleFolder is the data folder that the experiment part leaves to the start part.
func sampleFolder(o options) string { return filepath.Join(o.dir, "sample") }

// benchExperiment takes the small sample through two epochs, from the request to
// the harvested metrics, and the plain script through the same rows and features.
func benchExperiment(ctx context.Context, o options) ([]measure, []bar, error) {
	data := sampleFolder(o)
	if _, err := product(ctx, "serve", "--data", data, "--port", "0", "--detach", "--sample", "small"); err != nil {
		return nil, nil, err
	}
	defer func() { _, _ = product(ctx, "stop", "--data", data) }() // it may have ended with an error
	var list struct {
		Items []experiment.Experiment `json:"items"`
	}
	if err := productJSON(ctx, &list, "experiment", "--data", data, "--project", "sample"); err != nil {
		return nil, nil, err
	}
	if len(list.Items) != 1 {
		return nil, nil, fmt.Errorf("the sample has %d experiments, not one", len(list.Items))
	}
	first := list.Items[0]
	var all []measure
	var cold, warm, same, quality, submits []float64
	for round := range o.rounds {
		// A server that has just started: TensorFlow is not imported yet.
		if _, err := product(ctx, "stop", "--data", data); err != nil {
			return nil, nil, err
		}
		if _, err := product(ctx, "serve", "--data", data, "--port", "0", "--detach"); err != nil {
			return nil, nil, err
		}
		took := map[string]measure{}
		var e experiment.Experiment
		for _, kind := range []string{"cold", "warm"} {
			err := productJSON(ctx, &e, "experiment", "--data", data, "--project", "sample", "--features", first.Snapshot.FeatureConfig,
				"--model", first.Snapshot.ModelConfig, "--epochs", fmt.Sprint(epochs), "--name", fmt.Sprintf("bench %d %s", round+1, kind))
			if err != nil {
				return nil, nil, err
			}
			if kind == "warm" { // preparation ends as the runner gets the job
				submits = append(submits, e.Stages[0].Ended.Sub(e.CreatedAt).Seconds())
			}
			m := measure{Name: "experiment, " + kind, Rows: total(e.Examples.Rows), Seconds: e.EndedAt.Sub(e.CreatedAt).Seconds(),
				Note: fmt.Sprintf("recall@10 %.3f", e.Metrics.Model["recall@10"])}
			m.Print()
			took[kind] = m
			all = append(all, m)
		}
		quality = append(quality, e.Metrics.Model["recall@10"]/e.Metrics.ItemKNN["recall@10"])
		root := filepath.Join(data, "objects", "pipelines", filepath.FromSlash(e.Root))
		for _, batch := range []int{tutorialBatch, e.Settings.BatchSize} {
			m, err := plainScript(ctx, root, batch)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, m)
			if batch == e.Settings.BatchSize {
				same = append(same, took["cold"].Seconds/m.Seconds)
				continue
			}
			cold, warm = append(cold, took["cold"].Seconds/m.Seconds), append(warm, took["warm"].Seconds/m.Seconds)
		}
	}
	return all, []bar{
		{What: "experiment on the small sample, 2 epochs, submitted → metrics harvested, wall time against one plain Python script", Values: cold, Most: limit(0.9), Note: "cold; the script with the tutorial's batch of 4,096"},
		{What: "the same", Values: same, Most: limit(0.9), Note: "cold; the script with the product's batch"},
		{What: "the same", Values: warm, Most: limit(0.9), Note: "a later experiment of the same server"},
		{What: "of it, until the pipelines get the job: the examples in SQL, their files, the code, the job's spec", Values: submits, Unit: "s", Most: limit(1), Note: "a later experiment of the same server"},
		{What: "its Recall@10 against item-kNN's, 2 epochs of the default 10", Values: quality, Note: "temporal split, all products of training, seen items kept"},
	}, nil
}

// product runs the command line and gives its output.
func product(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", program, args[0], err, log.String())
	}
	return out, nil
}

func productJSON(ctx context.Context, into any, args ...string) error {
	out, err := product(ctx, append(args, "--json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// plainScript runs the yardstick on an experiment's run folder.
func plainScript(ctx context.Context, root string, batch int) (measure, error) {
	m := measure{Name: fmt.Sprintf("plain Python script, batch %d", batch)}
	var job struct {
		RuntimeConfig kfp.RuntimeConfig `json:"runtimeConfig"`
	}
	var config string
	var ir codegen.Program
	err := errors.Join(readJSON(filepath.Join(root, "spec.json"), &job), readJSON(filepath.Join(root, "code", "ir.json"), &ir))
	if err == nil {
		err = json.Unmarshal(job.RuntimeConfig.ParameterValues["config"], &config)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "config.json"), []byte(config), 0o600)
	}
	if err != nil {
		return m, err
	}
	python, err := exec.CommandContext(ctx, "./scripts/python-env").Output()
	if err != nil {
		return m, err
	}
	query, querySizes := keys(ir.Query)
	candidate, candidateSizes := keys(ir.Candidate)
	cmd := exec.CommandContext(ctx, strings.TrimSpace(string(python)), "scripts/benchmarks/plain_pipeline.py", root,
		"--module", filepath.Join(root, "code", "transform_module.py"), "--epochs", fmt.Sprint(epochs), "--batch", fmt.Sprint(batch),
		"--query", strings.Join(query, ","), "--candidate", strings.Join(candidate, ","), "--buckets", strings.Join(append(querySizes, candidateSizes...), ","))
	var log strings.Builder
	cmd.Stderr = &log
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("the plain script: %w\n%s", err, log.String())
	}
	m.Seconds = time.Since(start).Seconds()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var said struct {
		Model   map[string]float64 `json:"model"`
		ItemKNN map[string]float64 `json:"item_knn"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &said); err != nil {
		return m, err
	}
	m.Note = fmt.Sprintf("recall@10 %.3f, its item-kNN %.3f", said.Model["recall@10"], said.ItemKNN["recall@10"])
	m.Print()
	return m, nil
}

func total(bySplit map[string]int64) (n int64) {
	for _, rows := range bySplit {
		n += rows
	}
	return n
}

func readJSON(name string, into any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// keys lists what enters a tower, and the size of what is looked up without a vocabulary.
func keys(t codegen.Tower) (names, sizes []string) {
	for _, in := range t.Inputs {
		names = append(names, in.Key)
		if in.Embed && in.Vocab == "" {
			sizes = append(sizes, fmt.Sprintf("%s=%d", in.Key, in.Rows))
		}
	}
	return names, sizes
}

// benchStart starts the server on a folder with work in it, until the page is served.
func benchStart(ctx context.Context, o options) ([]measure, []bar, error) {
	data := sampleFolder(o)
	var took []float64
	for range o.rounds {
		start := time.Now()
		out, err := product(ctx, "serve", "--data", data, "--port", "0", "--detach", "--json")
		if err != nil {
			return nil, nil, err
		}
		var said struct{ URL string }
		if err := json.Unmarshal(out, &said); err != nil {
			return nil, nil, err
		}
		if err := servesPage(ctx, said.URL); err != nil {
			return nil, nil, err
		}
		took = append(took, time.Since(start).Seconds())
		if _, err := product(ctx, "stop", "--data", data); err != nil {
			return nil, nil, err
		}
	}
	return nil, []bar{{What: "start on an existing data folder → first page served", Values: took, Unit: "s", Most: limit(2)}}, nil
}

func servesPage(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "<script")) {
		err = fmt.Errorf("%s answers %s, which is not the page", url, resp.Status)
	}
	return err
}

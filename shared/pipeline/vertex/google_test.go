package vertex_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// step is how long the next step of a job may take: Vertex starts a machine for each task.
const step = 25 * time.Minute

// The suite in the project that gcptest knows: about a dozen jobs, most of six tasks, each
// on a machine of its own. It takes hours and costs some dollars. A bucket of the run
// keeps what they write; instead of a log sink the jobs are looked at.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t, gcptest.AccountVar)
	objects := must(storage.NewClient(t.Context()))(t)
	t.Cleanup(func() { _ = objects.Close() })
	name := p.Name("pipelines")
	b := p.Bucket(t, objects, name)
	// Every version stays: progress that is overwritten before it is looked at, too.
	_ = must(b.Update(t.Context(), storage.BucketAttrsToUpdate{VersioningEnabled: true}))(t)
	jobs := must(aiplatform.NewPipelineClient(t.Context(), option.WithEndpoint(p.Region+"-aiplatform.googleapis.com:443")))(t)
	t.Cleanup(func() { _ = jobs.Close() })
	d := must(vertex.New(vertex.Options{Location: p.Location, ServiceAccount: p.Account}))(t)
	t.Cleanup(func() { _ = d.Close() })
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	g := &google{Driver: d, t: t, p: p, bus: newBus(t, "product.db"), ctx: ctx, jobs: jobs, bucket: b, program: program(t), following: map[string]bool{}}
	t.Cleanup(func() { cancel(); g.work.Wait() })
	pipelinetest.Run(t, func(*testing.T) pipelinetest.Setup {
		return pipelinetest.Setup{Runner: pipeline.New(g), Events: g.bus, Patience: step,
			Root: func(testing.TB) string { return "gs://" + name + "/" + state.NewID() }}
	})
}

// google runs the test components in a public image, under ids of the run, and follows
// every job.
type google struct {
	*vertex.Driver
	t       *testing.T
	p       *gcptest.Project
	bus     *events.Bus
	ctx     context.Context //nolint:containedctx // of all followers
	jobs    *aiplatform.PipelineClient
	bucket  *storage.BucketHandle
	program string
	work    sync.WaitGroup

	mu        sync.Mutex
	following map[string]bool
}

// program makes one Python file of the test components. Google mounts buckets below
// /gcs (https://cloud.google.com/vertex-ai/docs/training/cloud-storage-file-system).
func program(t *testing.T) string {
	t.Helper()
	components := must(os.ReadFile(filepath.Join("..", "local", "testdata", "python", "b2brecs_runtime", "components.py")))(t)
	return string(components) + `

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--component", required=True)
parser.add_argument("--executor_input", required=True)
args = parser.parse_args()
document = json.loads(args.executor_input.replace("gs://", "/gcs/"))
try:
    run(args.component, document, lambda values: time.sleep(2))
finally:
    file = document["outputs"]["outputFile"]
    if os.path.exists(file):
        with open(file) as f:
            text = f.read()
        with open(file, "w") as f:
            f.write(text.replace("/gcs/", "gs://"))
`
}

// Submit puts the components of the suite in the place of the product's image.
func (g *google) Submit(ctx context.Context, id string, spec json.RawMessage, labels map[string]string) (pipeline.Job, error) {
	var doc map[string]any
	if err := json.Unmarshal(spec, &doc); err == nil {
		if s, ok := doc["pipelineSpec"].(map[string]any); ok {
			executors := s["deploymentSpec"].(map[string]any)["executors"].(map[string]any)
			for _, x := range executors {
				container := x.(map[string]any)["container"].(map[string]any)
				container["image"], container["command"] = "python:3.11-slim", []string{"python", "-c", g.program}
				delete(container, "resources")
			}
		}
		if spec, err = json.Marshal(doc); err != nil {
			return pipeline.Job{}, err
		}
	}
	all := map[string]string{gcptest.Label: g.p.Run}
	for k, v := range labels {
		all[k] = v
	}
	job, err := g.Driver.Submit(ctx, g.p.Name(id), spec, all)
	if err == nil {
		g.follow(id)
	}
	return g.own(job), err
}

func (g *google) own(j pipeline.Job) pipeline.Job {
	j.ID = strings.TrimPrefix(j.ID, g.p.Name(""))
	return j
}
func (g *google) Get(ctx context.Context, id string) (pipeline.Job, error) {
	j, err := g.Driver.Get(ctx, g.p.Name(id))
	return g.own(j), err
}
func (g *google) Cancel(ctx context.Context, id string) error {
	return g.Driver.Cancel(ctx, g.p.Name(id))
}
func (g *google) Logs(ctx context.Context, id, task string, lines int) ([]string, error) {
	return g.Driver.Logs(ctx, g.p.Name(id), task, lines)
}

// follow looks at a job until it has ended, and deletes it at the end of the test.
func (g *google) follow(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.following[id] {
		return
	}
	g.following[id] = true
	g.p.Cleanup(g.t, "pipeline job "+g.p.Name(id), func(ctx context.Context) error {
		err := g.Driver.Cancel(ctx, g.p.Name(id))
		if err != nil {
			return err
		}
		name := g.p.Parent() + "/pipelineJobs/" + vertex.Prefix + g.p.Name(id)
		for { // a job that is being cancelled cannot be deleted yet
			op, err := g.jobs.DeletePipelineJob(ctx, &aiplatformpb.DeletePipelineJobRequest{Name: name})
			if err == nil {
				return op.Wait(ctx)
			}
			if ctx.Err() != nil || problem.Is(err, problem.NotFound) {
				return err
			}
			select {
			case <-ctx.Done():
				return err
			case <-time.After(10 * time.Second):
			}
		}
	})
	g.work.Go(func() {
		for g.ctx.Err() == nil {
			job, err := g.Get(g.ctx, id)
			if err == nil {
				err = errors.Join(pipeline.PublishChanges(g.ctx, g.bus, job.Changes(0)), g.progress(job))
			}
			if err != nil && g.ctx.Err() == nil {
				g.t.Logf("job %s: %v", id, err)
			}
			if err == nil && job.State.Ended() {
				return
			}
			select {
			case <-g.ctx.Done():
			case <-time.After(10 * time.Second):
			}
		}
	})
}

// progress publishes every version of the progress files that lie in the bucket.
func (g *google) progress(job pipeline.Job) error {
	if !slices.ContainsFunc(job.Tasks, func(t pipeline.Task) bool { return t.Name == "trainer" && !t.Started.IsZero() }) {
		return nil
	}
	jobs, err := g.jobs.GetPipelineJob(g.ctx, &aiplatformpb.GetPipelineJobRequest{Name: g.p.Parent() + "/pipelineJobs/" + vertex.Prefix + g.p.Name(job.ID)})
	if err != nil {
		return err
	}
	_, root, _ := strings.Cut(strings.TrimPrefix(jobs.GetRuntimeConfig().GetGcsOutputDirectory(), "gs://"), "/")
	it := g.bucket.Objects(g.ctx, &storage.Query{Prefix: strings.TrimSuffix(root, "/") + "/" + pipeline.ProgressFile, Versions: true})
	for {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := g.bucket.Object(o.Name).Generation(o.Generation).NewReader(g.ctx)
		if err != nil {
			return err
		}
		var values json.RawMessage
		err = errors.Join(json.NewDecoder(r).Decode(&values), r.Close())
		if err != nil {
			return err
		}
		p, err := pipeline.ReadProgress(job.ID, job.Labels, o.Created, values)
		if err != nil {
			return err
		}
		if err := events.Publish(g.ctx, g.bus, pipeline.TopicProgress, o.Name+time.Duration(o.Generation).String(), job.ID, p); err != nil {
			return err
		}
	}
}

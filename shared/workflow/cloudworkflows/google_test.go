package cloudworkflows

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	workflows "cloud.google.com/go/workflows/apiv1"
	"cloud.google.com/go/workflows/apiv1/workflowspb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

// named starts workflows under names of a run.
type named struct {
	*Driver
	p *gcptest.Project
}

func (n named) own(x workflow.Execution, err error) (workflow.Execution, error) {
	x.Workflow = strings.TrimPrefix(x.Workflow, n.p.Name(""))
	return x, err
}
func (n named) Start(ctx context.Context, name, id string, argument any) (workflow.Execution, error) {
	return n.own(n.Driver.Start(ctx, n.p.Name(name), id, argument))
}
func (n named) Get(ctx context.Context, name, id string) (workflow.Execution, error) {
	return n.own(n.Driver.Get(ctx, n.p.Name(name), id))
}
func (n named) Cancel(ctx context.Context, name, id string) error {
	return n.Driver.Cancel(ctx, n.p.Name(name), id)
}

// The suite in the project that gcptest knows. Every definition is deployed under a name
// of the run, and calls servers of this machine through a tunnel. Steps cost cents.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t, gcptest.AccountVar)
	c, err := workflows.NewClient(t.Context(), p.Client("workflows")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	world := workflowtest.World{
		Callbacks: Transport{Token: AccessToken(), Next: http.DefaultTransport},
		Patience:  3 * time.Minute, Poll: 500 * time.Millisecond,
	}
	tunnel := p.NewTunnel(t)
	world.Reach = func(_ *testing.T, url string) string { return tunnel.Reach(url) }
	workflowtest.RunIn(t, world, func(t *testing.T, defs fs.FS) (*workflow.Engine, error) {
		if err := deploy(t, p, c, defs); err != nil {
			return nil, err
		}
		d, err := New(Options{Location: p.Location, State: database(t, "state.db")})
		if err != nil {
			return nil, err
		}
		return workflow.New(named{d, p}), nil
	},
		workflowtest.Lack{Ability: workflowtest.OwnIDs, Reason: "Cloud Workflows names executions itself"},
		workflowtest.Lack{Ability: workflowtest.PlainTokens, Reason: "Google signs the tokens; the suite of cloudscheduler checks one"},
		workflowtest.Lack{Ability: workflowtest.Drops, Reason: "the tunnel answers for a server that breaks a connection"},
		workflowtest.Lack{Ability: workflowtest.Findings, Reason: "Cloud Workflows refuses a definition when it is deployed, in words of its own"})
}

// atOnce is how many definitions are deployed side by side.
const atOnce = 8

func deploy(t *testing.T, p *gcptest.Project, c *workflows.Client, defs fs.FS) error {
	t.Helper()
	files, err := fs.Glob(defs, "*.yaml")
	if err != nil {
		return err
	}
	slots, failed := make(chan struct{}, atOnce), make(chan error, len(files))
	for _, file := range files {
		name := p.Name(strings.TrimSuffix(path.Base(file), ".yaml"))
		p.Cleanup(t, "workflow "+name, func(ctx context.Context) error {
			_, err := c.DeleteWorkflow(ctx, &workflowspb.DeleteWorkflowRequest{Name: p.Parent() + "/workflows/" + name})
			return err // it goes by itself from here
		})
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			source, err := fs.ReadFile(defs, file)
			if err != nil {
				failed <- err
				return
			}
			op, err := c.CreateWorkflow(t.Context(), &workflowspb.CreateWorkflowRequest{Parent: p.Parent(), WorkflowId: name, Workflow: &workflowspb.Workflow{
				Labels: p.Labels(), ServiceAccount: p.Account, UserEnvVars: map[string]string{"COLOUR": "blue"},
				SourceCode: &workflowspb.Workflow_SourceContents{SourceContents: string(source)}}})
			if err == nil {
				_, err = op.Wait(t.Context())
			}
			if err != nil {
				err = fmt.Errorf("deploy %s: %w", file, err)
			}
			failed <- err
		}()
	}
	for range files {
		if e := <-failed; e != nil {
			t.Error(e) // the other cases go on
		}
	}
	return nil
}

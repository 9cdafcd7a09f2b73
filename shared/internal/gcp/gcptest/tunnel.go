package gcptest

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	run "google.golang.org/api/run/v2"
)

//go:embed tunnel.py
var tunnelProgram string

// Tunnel lets Google call servers of this machine: a small Cloud Run service that keeps
// each request until the test has fetched and answered it. Whoever knows its address can
// call it; fetching takes a secret that is made for each. It sends no answer cut short:
// a server that drops a connection looks like one that answers 502.
type Tunnel struct {
	URL    string
	secret string
	mu     sync.Mutex
	local  []string // the servers; their numbers are the first part of a path
}

// pythonImage runs the tunnel.
const pythonImage = "docker.io/library/python:3.11-slim"

// fetchers answer at once.
const fetchers = 8

// NewTunnel makes the service, and removes it at the end of the test.
func (p *Project) NewTunnel(t testing.TB) *Tunnel {
	t.Helper()
	service, err := run.NewService(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret, parent, id := rand.Text(), p.Parent(), p.Name("tunnel")
	services := service.Projects.Locations.Services
	p.Cleanup(t, "the Cloud Run service "+id, func(ctx context.Context) error {
		_, err := services.Delete(parent + "/services/" + id).Context(ctx).Do()
		return err
	})
	op, err := services.Create(parent, &run.GoogleCloudRunV2Service{
		Labels: p.Labels(), Ingress: "INGRESS_TRAFFIC_ALL", InvokerIamDisabled: true,
		Template: &run.GoogleCloudRunV2RevisionTemplate{
			MaxInstanceRequestConcurrency: 200, Timeout: "120s",
			Scaling: &run.GoogleCloudRunV2RevisionScaling{MinInstanceCount: 1, MaxInstanceCount: 1},
			Containers: []*run.GoogleCloudRunV2Container{{
				Image: pythonImage, Command: []string{"python", "-c", tunnelProgram},
				Env: []*run.GoogleCloudRunV2EnvVar{{Name: "SECRET", Value: secret}},
			}},
		},
	}).ServiceId(id).Context(t.Context()).Do()
	if err != nil {
		t.Fatalf("make the Cloud Run service %s: %v", id, err)
	}
	for deadline := time.Now().Add(5 * time.Minute); !op.Done; time.Sleep(2 * time.Second) {
		if time.Now().After(deadline) {
			t.Fatalf("the Cloud Run service %s is not ready after 5 minutes", id)
		}
		if op, err = service.Projects.Locations.Operations.Get(op.Name).Context(t.Context()).Do(); err != nil {
			t.Fatal(err)
		}
	}
	if op.Error != nil {
		t.Fatalf("the Cloud Run service %s: %s", id, op.Error.Message)
	}
	made, err := services.Get(parent + "/services/" + id).Context(t.Context()).Do()
	if err != nil {
		t.Fatal(err)
	}
	return serveTunnel(t, made.Uri, secret)
}

// serveTunnel answers what comes to a public end, until the test ends.
func serveTunnel(t testing.TB, url, secret string) *Tunnel {
	tunnel := &Tunnel{URL: url, secret: secret}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var working sync.WaitGroup
	for range fetchers {
		working.Go(func() {
			for ctx.Err() == nil {
				if err := tunnel.one(ctx); err != nil && ctx.Err() == nil {
					t.Logf("the tunnel: %v", err)
					time.Sleep(time.Second)
				}
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		working.Wait()
	})
	return tunnel
}

// Reach gives the address at which Google finds a server of this machine.
func (u *Tunnel) Reach(local string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.local = append(u.local, local)
	return fmt.Sprintf("%s/%d", u.URL, len(u.local)-1)
}

type tunnelled struct {
	ID      string      `json:"id"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body"`
}

type answered struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body"`
}

// one fetches a request and answers it.
func (u *Tunnel) one(ctx context.Context) error {
	body, code, err := send(ctx, http.MethodGet, u.URL+"/"+u.secret+"/next", nil, nil)
	if err != nil || code == http.StatusNoContent {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("fetching a request answers %d", code)
	}
	var r tunnelled
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	reply, err := json.Marshal(u.answer(ctx, r))
	if err != nil {
		return err
	}
	_, _, err = send(ctx, http.MethodPost, u.URL+"/"+u.secret+"/answer/"+r.ID, nil, reply)
	return err
}

func (u *Tunnel) answer(ctx context.Context, r tunnelled) answered {
	number, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	var i int
	u.mu.Lock()
	if _, err := fmt.Sscan(number, &i); err != nil || i < 0 || i >= len(u.local) {
		u.mu.Unlock()
		return answered{Status: http.StatusNotFound}
	}
	local := u.local[i]
	u.mu.Unlock()
	out, err := http.NewRequestWithContext(ctx, r.Method, local+"/"+rest, bytes.NewReader(r.Body))
	if err != nil {
		return answered{Status: http.StatusBadRequest, Body: []byte(err.Error())}
	}
	for _, h := range r.Headers {
		if n := http.CanonicalHeaderKey(h[0]); n != "Host" && n != "Content-Length" && n != "Connection" && n != "Accept-Encoding" {
			out.Header.Add(n, h[1])
		}
	}
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(out)
	if err != nil {
		return answered{Status: http.StatusBadGateway, Body: []byte(err.Error())}
	}
	defer resp.Body.Close()
	a := answered{Status: resp.StatusCode}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return answered{Status: http.StatusBadGateway, Body: []byte(err.Error())}
	}
	for n, vs := range resp.Header {
		if n == "Content-Length" || n == "Connection" || n == "Date" {
			continue
		}
		for _, v := range vs {
			a.Headers = append(a.Headers, [2]string{n, v})
		}
	}
	return a
}

func send(ctx context.Context, method, url string, header http.Header, body []byte) ([]byte, int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if header != nil {
		r.Header = header
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(resp.Body)
	return data, resp.StatusCode, errors.Join(err, resp.Body.Close())
}

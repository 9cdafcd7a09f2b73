package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"cloud.google.com/go/pubsub/v2"
	scheduler "cloud.google.com/go/scheduler/apiv1"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/storage"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
)

// names is what a service holds: it gives them all, and loses what is deleted.
type names struct {
	mu     sync.Mutex
	all    []string
	labels map[string]string // value of gcptest.Label by name
}

func (n *names) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}

func (n *names) delete(name string) (*longrunningpb.Operation, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.all, name)
	if i < 0 {
		return nil, status.Errorf(codes.NotFound, "there is no %s", name)
	}
	n.all = slices.Delete(n.all, i, i+1)
	return finished(&emptypb.Empty{}), nil
}

func finished(m proto.Message) *longrunningpb.Operation {
	result, err := anypb.New(m)
	if err != nil {
		panic(err)
	}
	return &longrunningpb.Operation{Name: "operations/done", Done: true, Result: &longrunningpb.Operation_Response{Response: result}}
}

// Services that the fakes of the product do not cover: listing and deleting alone.
type (
	databases struct {
		adminpb.UnimplementedFirestoreAdminServer
		*names
	}
	definitions struct {
		workflowspb.UnimplementedWorkflowsServer
		*names
	}
	jobs struct {
		aiplatformpb.UnimplementedPipelineServiceServer
		*names
	}
)

func (s databases) ListDatabases(context.Context, *adminpb.ListDatabasesRequest) (*adminpb.ListDatabasesResponse, error) {
	out := &adminpb.ListDatabasesResponse{}
	for _, n := range s.list() {
		out.Databases = append(out.Databases, &adminpb.Database{Name: n})
	}
	return out, nil
}

func (s databases) DeleteDatabase(_ context.Context, r *adminpb.DeleteDatabaseRequest) (*longrunningpb.Operation, error) {
	if _, err := s.delete(r.Name); err != nil {
		return nil, err
	}
	return finished(&adminpb.Database{Name: r.Name}), nil
}

func (s definitions) ListWorkflows(context.Context, *workflowspb.ListWorkflowsRequest) (*workflowspb.ListWorkflowsResponse, error) {
	out := &workflowspb.ListWorkflowsResponse{}
	for _, n := range s.list() {
		out.Workflows = append(out.Workflows, &workflowspb.Workflow{Name: n})
	}
	return out, nil
}

func (s definitions) DeleteWorkflow(_ context.Context, r *workflowspb.DeleteWorkflowRequest) (*longrunningpb.Operation, error) {
	return s.delete(r.Name)
}

func (s jobs) ListPipelineJobs(_ context.Context, r *aiplatformpb.ListPipelineJobsRequest) (*aiplatformpb.ListPipelineJobsResponse, error) {
	if r.Filter != "labels."+gcptest.Label+":*" {
		return nil, status.Errorf(codes.InvalidArgument, "the filter is %q", r.Filter)
	}
	out := &aiplatformpb.ListPipelineJobsResponse{}
	for _, n := range s.list() {
		out.PipelineJobs = append(out.PipelineJobs, &aiplatformpb.PipelineJob{Name: n, Labels: map[string]string{gcptest.Label: s.labels[n]}})
	}
	return out, nil
}

func (s jobs) DeletePipelineJob(_ context.Context, r *aiplatformpb.DeletePipelineJobRequest) (*longrunningpb.Operation, error) {
	return s.delete(r.Name)
}

// serve serves a gRPC service on loopback.
func serve(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s)
	go func() { _ = s.Serve(l) }() // ends with Stop
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func emulators(t *testing.T) *Emulators {
	t.Helper()
	e, err := StartEmulators(t.Context(), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

var suiteNames = func() (out []string) {
	for _, s := range Suites {
		out = append(out, s.Name)
	}
	return out
}()

// A sweep takes what dead runs left in every service, and nothing else.
func TestSweep(t *testing.T) {
	ctx, e := t.Context(), emulators(t)
	now := time.Now()
	dead, alive := &gcptest.Project{Run: gcptest.NewRun(now.Add(-48 * time.Hour))}, &gcptest.Project{Run: gcptest.NewRun(now)}
	parent := "projects/" + e.Project + "/locations/" + e.Region
	// Of each kind: one of a dead run, one of a run that may live, and one of the product's.
	three := func(before string) []string {
		return []string{before + dead.Name("thing"), before + alive.Name("thing"), before + "b2brecs-customer-data", before + gcptest.Prefix + "production-data"}
	}
	flows := &names{all: three(parent + "/workflows/")}
	bases := &names{all: three("projects/" + e.Project + "/databases/")}
	runs := &names{all: three(parent + "/pipelineJobs/run-"), labels: map[string]string{}}
	runs.all = append(runs.all, parent+"/pipelineJobs/run-by-label")
	runs.labels[parent+"/pipelineJobs/run-by-label"] = dead.Run
	e.Addresses["workflows"] = serve(t, func(s *grpc.Server) { workflowspb.RegisterWorkflowsServer(s, definitions{names: flows}) })
	e.Addresses["firestore-admin"] = serve(t, func(s *grpc.Server) { adminpb.RegisterFirestoreAdminServer(s, databases{names: bases}) })
	e.Addresses["aiplatform"] = serve(t, func(s *grpc.Server) { aiplatformpb.RegisterPipelineServiceServer(s, jobs{names: runs}) })
	services := &names{all: three(parent + "/services/")}
	cloudRun := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name := strings.TrimPrefix(r.URL.Path, "/v2/"); {
		case r.Method == http.MethodGet && name == parent+"/services":
			var list []map[string]string
			for _, n := range services.list() {
				list = append(list, map[string]string{"name": n})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"services": list}) // the client sees what is cut off
		case r.Method == http.MethodDelete:
			if _, err := services.delete(name); err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			fmt.Fprint(w, `{"name":"operations/1","done":true}`)
		default:
			http.Error(w, "no such call", http.StatusNotImplemented)
		}
	}))
	t.Cleanup(cloudRun.Close)
	e.Addresses["run"] = cloudRun.URL
	tables := &names{}
	for _, n := range three("") {
		tables.all = append(tables.all, strings.ReplaceAll(n, "-", "_"))
	}
	tables.all = append(tables.all, "sales")
	const dataset = "/projects/b2brecs-verification/datasets/raw_data/tables"
	warehouse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, dataset)
		switch name = strings.TrimPrefix(name, "/"); {
		case ok && r.Method == http.MethodGet && name == "":
			var list []any
			for _, n := range tables.list() {
				list = append(list, map[string]any{"tableReference": map[string]string{"projectId": e.Project, "datasetId": "raw_data", "tableId": n}})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"tables": list}) // the client sees what is cut off
		case ok && r.Method == http.MethodDelete:
			if _, err := tables.delete(name); err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
			}
		default:
			t.Errorf("BigQuery: %s %s", r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(warehouse.Close)
	e.Addresses["bigquery"] = warehouse.URL
	fill(t, e, three)

	s := &Sweeper{Location: e.Location, Emulators: e.Addresses}
	got := s.Sweep(ctx, suiteNames, Older(now.Add(-24*time.Hour)))
	want := []string{
		"subscription projects/" + e.Project + "/subscriptions/" + dead.Name("thing"), "topic projects/" + e.Project + "/topics/" + dead.Name("thing"),
		"secret projects/417036517204/secrets/" + dead.Name("thing"), "job of Cloud Scheduler " + parent + "/jobs/b2brecs-schedule-" + dead.Name("thing"),
		"bucket " + dead.Name("thing"), "table " + strings.ReplaceAll(dead.Name("thing"), "-", "_"), "workflow " + parent + "/workflows/" + dead.Name("thing"),
		"pipeline job " + parent + "/pipelineJobs/run-" + dead.Name("thing"), "pipeline job " + parent + "/pipelineJobs/run-by-label",
		"Firestore database projects/" + e.Project + "/databases/" + dead.Name("thing"), "Cloud Run service " + parent + "/services/" + dead.Name("thing"),
	}
	for i, n := range got.Removed { // a secret is named by the project's number, which is the service's own matter
		if strings.HasPrefix(n, "secret ") {
			got.Removed[i] = "secret projects/417036517204" + n[strings.Index(n, "/secrets/"):]
		}
	}
	slices.Sort(want)
	slices.Sort(got.Removed)
	if !slices.Equal(want, got.Removed) || len(got.Left) > 0 {
		t.Errorf("removed\n%s\nwant\n%s\nleft %+v", strings.Join(got.Removed, "\n"), strings.Join(want, "\n"), got.Left)
	}
	if again := s.Sweep(ctx, suiteNames, Older(now.Add(-24*time.Hour))); len(again.Removed)+len(again.Left) > 0 {
		t.Errorf("a second sweep: %+v", again)
	}
	// The end of a run takes that run's, of the suites it ran.
	if one := s.Sweep(ctx, []string{"secret"}, OfRun(alive.Run)); len(one.Removed) != 1 || !strings.HasPrefix(one.Removed[0], "secret ") {
		t.Errorf("one suite's: %+v", one)
	}
	if rest := s.Sweep(ctx, suiteNames, OfRun(alive.Run)); len(rest.Removed) != 9 || len(rest.Left) > 0 {
		t.Errorf("the rest: %+v", rest)
	}
	if l := tables.list(); !slices.Equal(l, []string{"b2brecs_customer_data", "b2brecs_verify_production_data", "sales"}) {
		t.Errorf("the tables are %v", l)
	}
	for _, n := range []*names{flows, bases, runs, services} {
		if l := n.list(); len(l) != 2 || strings.Contains(strings.Join(l, " "), "thing") {
			t.Errorf("the product's own are %v", l)
		}
	}
}

// What cannot be listed or removed is told, and does not stop the rest.
func TestSweepTellsWhatStays(t *testing.T) {
	e := emulators(t)
	p := &gcptest.Project{Run: gcptest.NewRun(time.Now())}
	fill(t, e, func(before string) []string { return []string{before + p.Name("thing")} })
	e.pubsub.Fail(func(method string, after bool) error {
		switch {
		case method == "ListTopics":
			return status.Error(codes.PermissionDenied, "no listing for you")
		case method == "DeleteSubscription" && !after:
			return status.Error(codes.PermissionDenied, "no deleting either")
		}
		return nil
	})
	got := (&Sweeper{Location: e.Location, Emulators: e.Addresses}).Sweep(t.Context(), suiteNames, OfRun(p.Run))
	if len(got.Left) != 2 || got.Left[0].Name != "projects/"+e.Project+"/subscriptions/"+p.Name("thing") || !strings.Contains(got.Left[0].Err, "no deleting") ||
		got.Left[1].Kind != "topic" || got.Left[1].Name != "" || !strings.Contains(got.Left[1].Err, "no listing") || len(got.Removed) != 3 {
		t.Errorf("%+v", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill makes things in the services that are fakes of the product.
func fill(t *testing.T, e *Emulators, list func(before string) []string) {
	t.Helper()
	ctx := t.Context()
	messages, err := pubsub.NewClient(ctx, e.Project, gcptest.Client(e.Addresses["pubsub"])...)
	must(t, err)
	t.Cleanup(func() { _ = messages.Close() })
	secrets, err := secretmanager.NewClient(ctx, gcptest.Client(e.Addresses["secretmanager"])...)
	must(t, err)
	t.Cleanup(func() { _ = secrets.Close() })
	clock, err := scheduler.NewCloudSchedulerClient(ctx, gcptest.Client(e.Addresses["scheduler"])...)
	must(t, err)
	t.Cleanup(func() { _ = clock.Close() })
	buckets, err := storage.NewClient(ctx, gcptest.Client(e.Addresses["storage"])...)
	must(t, err)
	t.Cleanup(func() { _ = buckets.Close() })
	project := "projects/" + e.Project
	for _, n := range list("") {
		_, err := messages.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: project + "/topics/" + n})
		must(t, err)
		_, err = messages.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{Name: project + "/subscriptions/" + n, Topic: project + "/topics/" + n, AckDeadlineSeconds: 10})
		must(t, err)
		_, err = secrets.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: n, Secret: &secretmanagerpb.Secret{
			Replication: &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}}})
		must(t, err)
		must(t, buckets.Bucket(n).Create(ctx, e.Project, nil))
		w := buckets.Bucket(n).Object("folder/an object").NewWriter(ctx)
		_, err = w.Write([]byte("x"))
		must(t, err)
		must(t, w.Close())
	}
	parent := project + "/locations/" + e.Region
	for _, n := range list("b2brecs-schedule-") {
		_, err := clock.CreateJob(ctx, &schedulerpb.CreateJobRequest{Parent: parent, Job: &schedulerpb.Job{Name: parent + "/jobs/" + n, Schedule: "15 2 1 1 *", TimeZone: "UTC",
			Target: &schedulerpb.Job_HttpTarget{HttpTarget: &schedulerpb.HttpTarget{Uri: "https://example.com/x", HttpMethod: schedulerpb.HttpMethod_POST,
				AuthorizationHeader: &schedulerpb.HttpTarget_OidcToken{OidcToken: &schedulerpb.OidcToken{ServiceAccountEmail: "a@b.example"}}}}}})
		must(t, err)
	}
}

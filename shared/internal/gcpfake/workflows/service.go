package workflows

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"

	executionspb "cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Limits of the fields of Execution and ListExecutionsRequest
// (https://cloud.google.com/workflows/docs/reference/executions/rpc/google.cloud.workflows.executions.v1).
const (
	maxArgumentBytes = 32 << 10
	maxLabels        = 64
	defaultPage      = 100
	maxBasicPage     = 1000
	maxFullPage      = 100
)

var (
	labelKey   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
	// labelFilter is the one filter this fake reads
	// (https://cloud.google.com/workflows/docs/executing-workflow#filter).
	labelFilter = regexp.MustCompile(`^labels\."([a-z][a-z0-9_-]*)":"([a-z0-9_-]*)"$`)
)

// service is the gRPC side, apart so that Server shows no RPC methods.
type service struct {
	executionspb.UnimplementedExecutionsServer
	s *Server
}

// CreateExecution implements the service.
func (v service) CreateExecution(ctx context.Context, r *executionspb.CreateExecutionRequest) (*executionspb.Execution, error) {
	wf, err := v.s.workflow(r.GetParent())
	if err != nil {
		return nil, err
	}
	x := r.GetExecution()
	if x == nil {
		return nil, status.Error(codes.InvalidArgument, "execution is required")
	}
	if err := input(x); err != nil {
		return nil, err
	}
	doc := document{ID: state.NewID(), Workflow: wf, Argument: x.GetArgument(), Labels: x.GetLabels()}
	if err := v.s.docs.Create(ctx, doc.ID, doc); err != nil {
		return nil, answer(err)
	}
	e, err := v.s.begin(ctx, doc)
	if err != nil {
		return nil, err
	}
	return v.s.resource(doc, e, executionspb.ExecutionView_FULL), nil
}

// begin starts an execution; again changes nothing.
func (s *Server) begin(ctx context.Context, doc document) (workflow.Execution, error) {
	argument := json.RawMessage("null")
	if doc.Argument != "" {
		argument = json.RawMessage(doc.Argument)
	}
	e, err := s.interpreter.Start(ctx, doc.Workflow, doc.ID, argument)
	if err != nil {
		return e, answer(err)
	}
	return e, nil
}

// input checks an execution to be created.
func input(x *executionspb.Execution) error {
	own := &executionspb.Execution{Argument: x.Argument, Labels: x.Labels, CallLogLevel: x.CallLogLevel}
	switch {
	case !proto.Equal(own, x):
		return status.Error(codes.InvalidArgument, "execution has output-only fields")
	case len(x.Argument) > maxArgumentBytes:
		return status.Errorf(codes.InvalidArgument, "argument has %d bytes; at most %d are allowed", len(x.Argument), maxArgumentBytes)
	case x.Argument != "" && !json.Valid([]byte(x.Argument)):
		return status.Error(codes.InvalidArgument, "argument is not valid JSON")
	case len(x.Labels) > maxLabels:
		return status.Errorf(codes.InvalidArgument, "there are %d labels; at most %d are allowed", len(x.Labels), maxLabels)
	}
	for k, l := range x.Labels {
		if !labelKey.MatchString(k) || !labelValue.MatchString(l) {
			return status.Errorf(codes.InvalidArgument, "label %q: %q is not allowed", k, l)
		}
	}
	return nil
}

// read gives an execution. One whose start a crash prevented is started.
func (s *Server) read(ctx context.Context, doc document) (workflow.Execution, error) {
	e, err := s.interpreter.Get(ctx, doc.Workflow, doc.ID)
	if problem.Is(err, problem.NotFound) {
		return s.begin(ctx, doc)
	}
	if err != nil {
		return e, answer(err)
	}
	return e, nil
}

func (s *Server) find(ctx context.Context, name string) (document, workflow.Execution, error) {
	wf, id, err := s.execution(name)
	if err != nil {
		return document{}, workflow.Execution{}, err
	}
	doc, err := s.docs.Get(ctx, id)
	if err != nil && !problem.Is(err, problem.NotFound) {
		return doc, workflow.Execution{}, answer(err)
	}
	if err != nil || doc.Workflow != wf {
		return doc, workflow.Execution{}, status.Errorf(codes.NotFound, "execution %q does not exist", name)
	}
	e, err := s.read(ctx, doc)
	return doc, e, err
}

// GetExecution implements the service. The default view is FULL.
func (v service) GetExecution(ctx context.Context, r *executionspb.GetExecutionRequest) (*executionspb.Execution, error) {
	doc, e, err := v.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	view := r.GetView()
	if view == executionspb.ExecutionView_EXECUTION_VIEW_UNSPECIFIED {
		view = executionspb.ExecutionView_FULL
	}
	return v.s.resource(doc, e, view), nil
}

// CancelExecution implements the service. What has ended cannot be cancelled.
func (v service) CancelExecution(ctx context.Context, r *executionspb.CancelExecutionRequest) (*executionspb.Execution, error) {
	doc, e, err := v.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if e.Status != workflow.Active {
		return nil, status.Errorf(codes.FailedPrecondition, "execution %q has ended: %s", r.GetName(), e.Status)
	}
	if err := v.s.interpreter.Cancel(ctx, doc.Workflow, doc.ID); err != nil {
		return nil, answer(err)
	}
	if e, err = v.s.read(ctx, doc); err != nil {
		return nil, err
	}
	return v.s.resource(doc, e, executionspb.ExecutionView_FULL), nil
}

// ListExecutions implements the service: newest first, by default in the BASIC view.
func (v service) ListExecutions(ctx context.Context, r *executionspb.ListExecutionsRequest) (*executionspb.ListExecutionsResponse, error) {
	wf, err := v.s.workflow(r.GetParent())
	if err != nil {
		return nil, err
	}
	if r.GetOrderBy() != "" {
		return nil, status.Errorf(codes.InvalidArgument, "this fake orders by start time only, not by %q", r.GetOrderBy())
	}
	label := labelFilter.FindStringSubmatch(r.GetFilter())
	if r.GetFilter() != "" && label == nil {
		return nil, status.Errorf(codes.InvalidArgument, `this fake reads filters like labels."key":"value" only, not %q`, r.GetFilter())
	}
	size, most := int(r.GetPageSize()), maxBasicPage
	if r.GetView() == executionspb.ExecutionView_FULL {
		most = maxFullPage
	}
	switch {
	case size < 0:
		return nil, status.Error(codes.InvalidArgument, "page_size is negative")
	case size == 0:
		size = defaultPage
	}
	size = min(size, most)
	skip := 0
	if t := r.GetPageToken(); t != "" {
		if skip, err = strconv.Atoi(t); err != nil || skip < 1 {
			return nil, status.Error(codes.InvalidArgument, "page_token is not one of this service")
		}
	}
	out := &executionspb.ListExecutionsResponse{}
	n := 0
	q := state.Query{Where: []state.Where{{Field: "workflow", Op: state.Eq, Value: wf}}, Desc: true} // ids sort by time
	for doc, err := range v.s.docs.All(ctx, q) {
		if err != nil {
			return nil, answer(err)
		}
		if label != nil && (doc.Labels[label[1]] != label[2] || label[2] == "") {
			continue
		}
		if n++; n <= skip {
			continue
		}
		if len(out.Executions) == size {
			out.NextPageToken = strconv.Itoa(skip + size)
			break
		}
		e, err := v.s.read(ctx, doc)
		if err != nil {
			return nil, err
		}
		out.Executions = append(out.Executions, v.s.resource(doc, e, r.GetView()))
	}
	return out, nil
}

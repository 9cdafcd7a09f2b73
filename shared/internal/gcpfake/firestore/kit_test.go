package firestore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	raw "cloud.google.com/go/firestore/apiv1"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	database = "projects/acme/databases/(default)"
	root     = database + "/documents"
)

// kit is the official client and what it is asked here.
type kit struct {
	t *testing.T
	s *Server
	c *raw.Client
}

func open(t *testing.T, indexes string) kit {
	t.Helper()
	return with(t, Options{Project: "acme", Indexes: []byte(indexes)})
}

func with(t *testing.T, o Options) kit {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := raw.NewClient(t.Context(), s.Client()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); s.Close() })
	return kit{t, s, c}
}

func str(s string) *pb.Value   { return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}} }
func num(i int64) *pb.Value    { return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: i}} }
func dbl(f float64) *pb.Value  { return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: f}} }
func boolean(b bool) *pb.Value { return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: b}} }
func ref(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: s}}
}
func null() *pb.Value { return &pb.Value{ValueType: &pb.Value_NullValue{}} }
func obj(k string, v *pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: map[string]*pb.Value{k: v}}}}
}

func set(path, field string, v *pb.Value) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: root + path, Fields: map[string]*pb.Value{field: v}}}}
}

func (k kit) commit(tx []byte, ws ...*pb.Write) (*pb.CommitResponse, error) {
	return k.c.Commit(k.t.Context(), &pb.CommitRequest{Database: database, Transaction: tx, Writes: ws})
}

func (k kit) must(ws ...*pb.Write) *pb.CommitResponse {
	k.t.Helper()
	r, err := k.commit(nil, ws...)
	if err != nil {
		k.t.Fatal(err)
	}
	return r
}

func (k kit) begin(o *pb.TransactionOptions) []byte {
	k.t.Helper()
	r, err := k.c.BeginTransaction(k.t.Context(), &pb.BeginTransactionRequest{Database: database, Options: o})
	if err != nil {
		k.t.Fatal(err)
	}
	return r.Transaction
}

func (k kit) get(tx []byte, path string) (*pb.Document, error) {
	req := &pb.BatchGetDocumentsRequest{Database: database, Documents: []string{root + path}}
	if tx != nil {
		req.ConsistencySelector = &pb.BatchGetDocumentsRequest_Transaction{Transaction: tx}
	}
	stream, err := k.c.BatchGetDocuments(k.t.Context(), req)
	if err != nil {
		return nil, err
	}
	r, err := stream.Recv()
	return r.GetFound(), err
}

// ask gives the ids of the answer.
func (k kit) ask(q *pb.StructuredQuery) (string, error) {
	if q.From == nil {
		q.From = []*pb.StructuredQuery_CollectionSelector{{CollectionId: "c"}}
	}
	// One attempt: the official client would wait where the service is overloaded.
	ctx, cancel := context.WithCancel(k.t.Context())
	defer cancel()
	stream, err := k.c.RunQuery(ctx, &pb.RunQueryRequest{Parent: root, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q}})
	if err != nil {
		return "", err
	}
	var ids []string
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return strings.Join(ids, " "), nil
		}
		if err != nil {
			return "", err
		}
		if r.Document != nil {
			_, id := cut(r.Document.Name)
			ids = append(ids, id)
		}
	}
}

func where(field string, op pb.StructuredQuery_FieldFilter_Operator, v *pb.Value) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{FieldFilter: &pb.StructuredQuery_FieldFilter{
		Field: &pb.StructuredQuery_FieldReference{FieldPath: field}, Op: op, Value: v,
	}}}
}

func and(fs ...*pb.StructuredQuery_Filter) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: &pb.StructuredQuery_CompositeFilter{
		Op: pb.StructuredQuery_CompositeFilter_AND, Filters: fs,
	}}}
}

func by(fields ...string) (out []*pb.StructuredQuery_Order) {
	for _, f := range fields {
		f, desc := strings.CutPrefix(f, "-")
		o := &pb.StructuredQuery_Order{Field: &pb.StructuredQuery_FieldReference{FieldPath: f}, Direction: pb.StructuredQuery_ASCENDING}
		if desc {
			o.Direction = pb.StructuredQuery_DESCENDING
		}
		out = append(out, o)
	}
	return out
}

const (
	eq = pb.StructuredQuery_FieldFilter_EQUAL
	lt = pb.StructuredQuery_FieldFilter_LESS_THAN
	ge = pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL
)

func want(t *testing.T, what string, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

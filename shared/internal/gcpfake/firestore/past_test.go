package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func drop(path string) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: root + path}}
}

func ofC() *pb.StructuredQuery {
	return &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: "c"}}}
}

// names gives what a time's documents are, by a query for their names alone.
func (k kit) names(at *timestamppb.Timestamp) (string, error) {
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	q := ofC()
	q.Select = &pb.StructuredQuery_Projection{Fields: []*pb.StructuredQuery_FieldReference{{FieldPath: "__name__"}}}
	stream, err := k.c.RunQuery(ctx, &pb.RunQueryRequest{Parent: root, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q},
		ConsistencySelector: &pb.RunQueryRequest_ReadTime{ReadTime: at}})
	if err != nil {
		return "", err
	}
	var ids []string
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return strings.Join(ids, " "), nil
		}
		if err != nil {
			return "", err
		}
		if d := m.Document; d != nil {
			if len(d.Fields) > 0 || d.UpdateTime == nil {
				k.t.Errorf("a name alone is %v", d)
			}
			_, id := cut(d.Name)
			ids = append(ids, id)
		}
	}
}

func (k kit) count(at *timestamppb.Timestamp) int64 {
	k.t.Helper()
	stream, err := k.c.RunAggregationQuery(k.t.Context(), &pb.RunAggregationQueryRequest{
		Parent: root, ConsistencySelector: &pb.RunAggregationQueryRequest_ReadTime{ReadTime: at},
		QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{StructuredAggregationQuery: &pb.StructuredAggregationQuery{
			QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: ofC()},
			Aggregations: []*pb.StructuredAggregationQuery_Aggregation{{Alias: "n",
				Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{}}}},
		}},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	m, err := stream.Recv()
	if err != nil {
		k.t.Fatal(err)
	}
	return m.Result.AggregateFields["n"].GetIntegerValue()
}

func TestThePast(t *testing.T) {
	k := open(t, "")
	k.must(set("/c/a", "f", num(1)), set("/c/b", "f", num(1)))
	t0 := k.must(set("/c/c", "f", num(1))).CommitTime
	t1 := k.must(drop("/c/a"), set("/c/d", "f", num(1))).CommitTime
	t2 := k.must(drop("/c/b"), drop("/c/c"), drop("/c/d")).CommitTime
	for i, tc := range []struct {
		at   *timestamppb.Timestamp
		want string
	}{{t0, "a b c"}, {t1, "b c d"}, {t2, ""}} {
		if got, err := k.names(tc.at); err != nil || got != tc.want {
			t.Errorf("t%d: %q, %v", i, got, err)
		}
		if n := k.count(tc.at); n != int64(len(strings.Fields(tc.want))) {
			t.Errorf("t%d: %d documents", i, n)
		}
	}
	for what, tc := range map[string]struct {
		at   time.Time
		code codes.Code
	}{"nanoseconds": {t0.AsTime().Add(1), codes.InvalidArgument}, "future": {t2.AsTime().Add(time.Hour), codes.InvalidArgument}, "too old": {t0.AsTime().Add(-2 * time.Hour), codes.FailedPrecondition}} {
		_, err := k.names(timestamppb.New(tc.at))
		want(t, what, err, tc.code)
	}
	for i := range 2 * kept {
		k.must(set("/c/n", "f", num(int64(i))))
	}
	_, err := k.names(t2)
	want(t, "more changes than are kept", err, codes.FailedPrecondition)
}

// TestComingBack: a listener is told what changed since, not what was deleted.
func TestComingBack(t *testing.T) {
	k := open(t, "")
	t0 := k.must(set("/c/a", "f", num(1)), set("/c/b", "f", num(1))).CommitTime
	k.must(drop("/c/a"), set("/c/c", "f", num(1)))
	listen := func(target *pb.Target) (got []string, token []byte, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := k.c.Listen(ctx)
		if err != nil {
			return nil, nil, err
		}
		target.TargetId = 1
		target.TargetType = &pb.Target_Query{Query: &pb.Target_QueryTarget{Parent: root, QueryType: &pb.Target_QueryTarget_StructuredQuery{StructuredQuery: ofC()}}}
		if err := stream.Send(&pb.ListenRequest{Database: database, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: target}}); err != nil {
			return nil, nil, err
		}
		for {
			m, err := stream.Recv()
			if err != nil {
				return got, nil, err
			}
			switch r := m.ResponseType.(type) {
			case *pb.ListenResponse_DocumentChange:
				_, id := cut(r.DocumentChange.Document.Name)
				got = append(got, id)
			case *pb.ListenResponse_DocumentDelete:
				_, id := cut(r.DocumentDelete.Document)
				got = append(got, "-"+id)
			case *pb.ListenResponse_Filter:
				got = append(got, fmt.Sprint(r.Filter.Count, " left"))
			case *pb.ListenResponse_TargetChange:
				if r.TargetChange.TargetChangeType == pb.TargetChange_RESET {
					got = append(got, "reset")
				}
				if r.TargetChange.TargetChangeType == pb.TargetChange_NO_CHANGE {
					return got, r.TargetChange.ResumeToken, nil
				}
			}
		}
	}
	check := func(what string, target *pb.Target, want ...string) []byte {
		t.Helper()
		got, token, err := listen(target)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q, %v", what, got, want, err)
		}
		return token
	}
	check("the first time", &pb.Target{}, "b", "c")
	token := check("from a time", &pb.Target{ResumeType: &pb.Target_ReadTime{ReadTime: t0}}, "c", "2 left")
	check("from a token", &pb.Target{ResumeType: &pb.Target_ResumeToken{ResumeToken: token}}, "2 left")
	k.s.ResetListens()
	check("after a reset", &pb.Target{ResumeType: &pb.Target_ResumeToken{ResumeToken: token}}, "reset", "b", "c")
	check("from before what is known", &pb.Target{ResumeType: &pb.Target_ReadTime{ReadTime: timestamppb.New(t0.AsTime().Add(-2 * time.Hour))}}, "reset", "b", "c")
	_, _, err := listen(&pb.Target{ResumeType: &pb.Target_ResumeToken{ResumeToken: []byte("?")}})
	want(t, "another's token", err, codes.InvalidArgument)
}

package firestore

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// RunQuery implements the call, of now or of the past.
func (s *Server) RunQuery(req *pb.RunQueryRequest, out pb.Firestore_RunQueryServer) error {
	if req.ExplainOptions != nil {
		return absent("explanations")
	}
	q, err := s.parseQuery(req.Parent, req.GetStructuredQuery())
	if err != nil {
		return err
	}
	var at *timestamppb.Timestamp
	switch c := req.ConsistencySelector.(type) {
	case nil:
	case *pb.RunQueryRequest_ReadTime:
		at = c.ReadTime
	default:
		return absent("queries in transactions")
	}
	docs, now, err := s.query(q, at)
	if err != nil {
		return err
	}
	for _, d := range docs {
		doc := d.proto()
		if q.keys {
			doc.Fields = nil
		}
		if err := out.Send(&pb.RunQueryResponse{Document: doc, ReadTime: stamp(now)}); err != nil {
			return err
		}
	}
	if len(docs) == 0 {
		return out.Send(&pb.RunQueryResponse{ReadTime: stamp(now)})
	}
	return nil
}

// RunAggregationQuery implements the call, for one count.
func (s *Server) RunAggregationQuery(req *pb.RunAggregationQueryRequest, out pb.Firestore_RunAggregationQueryServer) error {
	a := req.GetStructuredAggregationQuery()
	if req.ExplainOptions != nil || len(a.GetAggregations()) != 1 || a.Aggregations[0].GetCount() == nil || a.Aggregations[0].GetCount().UpTo != nil {
		return absent("aggregations but one count without a limit, and no explanations")
	}
	q, err := s.parseQuery(req.Parent, a.GetStructuredQuery())
	if err != nil {
		return err
	}
	var at *timestamppb.Timestamp
	switch c := req.ConsistencySelector.(type) {
	case nil:
	case *pb.RunAggregationQueryRequest_ReadTime:
		at = c.ReadTime
	default:
		return absent("queries in transactions")
	}
	docs, now, err := s.query(q, at)
	if err != nil {
		return err
	}
	alias := a.Aggregations[0].Alias
	if alias == "" {
		alias = "field_1" // StructuredAggregationQuery.Aggregation.alias
	}
	n := &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: int64(len(docs))}}
	return out.Send(&pb.RunAggregationQueryResponse{Result: &pb.AggregationResult{AggregateFields: map[string]*pb.Value{alias: n}}, ReadTime: stamp(now)})
}

// query runs q on what is, or on what was at a time.
func (s *Server) query(q *query, at *timestamppb.Timestamp) ([]*doc, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at == nil {
		return q.run(s.collections), s.clock, nil
	}
	t, err := micros(at)
	if err != nil {
		return nil, 0, err
	}
	was, err := s.past(t)
	if err != nil {
		return nil, 0, err
	}
	return q.run(was), t, nil
}

func needsIndex(detail string) error {
	return status.Errorf(codes.FailedPrecondition, "The query requires an index: %s", detail)
}

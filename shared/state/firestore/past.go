package firestore

import (
	"cmp"
	"context"
	"errors"
	"io"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// query is what a watch follows: the documents of every collection that begins with
// the prefix.
func (w *watch) query() *pb.StructuredQuery {
	in := func(op pb.StructuredQuery_FieldFilter_Operator, name string) *pb.StructuredQuery_Filter {
		return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{FieldFilter: &pb.StructuredQuery_FieldFilter{
			Field: &pb.StructuredQuery_FieldReference{FieldPath: fieldCollection}, Op: op, Value: text(name),
		}}}
	}
	return &pb.StructuredQuery{
		From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: docsID, AllDescendants: true}},
		Where: &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: &pb.StructuredQuery_CompositeFilter{
			Op: pb.StructuredQuery_CompositeFilter_AND, Filters: []*pb.StructuredQuery_Filter{
				in(pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL, w.prefix), in(pb.StructuredQuery_FieldFilter_LESS_THAN, w.prefix+lastRune),
			},
		}}},
	}
}

// names is the query without the documents' bodies.
func (w *watch) names() *pb.StructuredQuery {
	q := w.query()
	q.Select = &pb.StructuredQuery_Projection{Fields: []*pb.StructuredQuery_FieldReference{{FieldPath: "__name__"}}}
	return q
}

// now gives the store's time, and proves that the query can be asked.
func (w *watch) now(ctx context.Context) (*timestamppb.Timestamp, error) {
	return again(ctx, func() (*timestamppb.Timestamp, error) {
		ctx, cancel := context.WithCancel(ctx) // ends the stream behind its first answer
		defer cancel()
		q := w.names()
		q.Limit = wrapperspb.Int32(1)
		stream, err := w.client.RunQuery(ctx, &pb.RunQueryRequest{Parent: w.d.documents(), QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q}})
		if err != nil {
			return nil, err
		}
		for {
			m, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			if m.ReadTime != nil {
				return m.ReadTime, nil
			}
		}
	})
}

// number counts what was there at a time.
func (w *watch) number(ctx context.Context, at *timestamppb.Timestamp) (int, error) {
	const alias = "n"
	return again(ctx, func() (int, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := w.client.RunAggregationQuery(ctx, &pb.RunAggregationQueryRequest{
			Parent: w.d.documents(), ConsistencySelector: &pb.RunAggregationQueryRequest_ReadTime{ReadTime: at},
			QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{StructuredAggregationQuery: &pb.StructuredAggregationQuery{
				QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: w.query()},
				Aggregations: []*pb.StructuredAggregationQuery_Aggregation{{
					Alias: alias, Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{}},
				}},
			}},
		})
		if err != nil {
			return 0, err
		}
		for {
			m, err := stream.Recv()
			if err != nil {
				return 0, err
			}
			if n := m.GetResult().GetAggregateFields()[alias]; n != nil {
				return int(n.GetIntegerValue()), nil
			}
		}
	})
}

// gone finds what was there when the watch had told all and is not at a later time. It
// reads two sorted lists of names side by side and keeps neither.
func (w *watch) gone(ctx context.Context, at *timestamppb.Timestamp, found func(name string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	was, err := w.at(ctx, w.since)
	if err != nil {
		return err
	}
	is, err := w.at(ctx, at)
	if err != nil {
		return err
	}
	old, err := was.next()
	if err != nil {
		return err
	}
	cur, err := is.next()
	for err == nil && old != nil {
		switch c := old.compare(cur); {
		case c < 0:
			found(old.full)
			old, err = was.next()
		case c > 0:
			cur, err = is.next()
		default:
			if old, err = was.next(); err == nil {
				cur, err = is.next()
			}
		}
	}
	return err
}

// at lists the names of a time, by collection and id.
func (w *watch) at(ctx context.Context, t *timestamppb.Timestamp) (list, error) {
	stream, err := w.client.RunQuery(ctx, &pb.RunQueryRequest{
		Parent: w.d.documents(), ConsistencySelector: &pb.RunQueryRequest_ReadTime{ReadTime: t},
		QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: w.names()},
	})
	return list{w.d, stream}, err
}

type list struct {
	d      *Driver
	stream pb.Firestore_RunQueryClient
}

type name struct{ full, collection, id string }

// next gives nil behind the last name.
func (l list) next() (*name, error) {
	for {
		m, err := l.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if m.Document == nil {
			continue
		}
		n := &name{full: m.Document.Name}
		n.collection, n.id, err = l.d.parse(n.full)
		return n, err
	}
}

// compare puts nil behind every name.
func (n *name) compare(other *name) int {
	if other == nil {
		return -1
	}
	return cmp.Or(cmp.Compare(n.collection, other.collection), cmp.Compare(n.id, other.id))
}

package firestore

import (
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

const nameField = "__name__"

// query is a structured query with its implicit orders made explicit.
type query struct {
	parent     string // a document, or the root
	collection string
	group      bool // in all collections of this id below parent
	filters    []filter
	orders     []order
	limit      int  // -1 is none
	keys       bool // the documents' names and times alone
	start, end *pb.Cursor
}

type filter struct {
	field string // as it was written, for indexes and messages
	path  []string
	op    pb.StructuredQuery_FieldFilter_Operator
	value *pb.Value
}

type order struct {
	field string
	path  []string
	desc  bool
}

func (s *Server) parseQuery(parent string, p *pb.StructuredQuery) (*query, error) {
	if parent != s.root {
		if err := checkName(s, parent); err != nil {
			return nil, err
		}
	}
	switch {
	case p == nil || len(p.From) != 1:
		return nil, invalid("a query is of exactly one collection")
	case p.From[0].CollectionId == "":
		return nil, absent("queries over collections of any id")
	case p.Select != nil && (len(p.Select.Fields) != 1 || p.Select.Fields[0].GetFieldPath() != nameField):
		return nil, absent("projections but to the name")
	case p.Offset != 0 || p.FindNearest != nil:
		return nil, absent("offsets and vectors")
	}
	q := &query{parent: parent, collection: p.From[0].CollectionId, group: p.From[0].AllDescendants, limit: -1, keys: p.Select != nil, start: p.StartAt, end: p.EndAt}
	if p.Limit != nil {
		if q.limit = int(p.Limit.Value); q.limit < 0 {
			return nil, invalid("the limit is negative")
		}
	}
	if err := q.addFilter(p.Where); err != nil {
		return nil, err
	}
	for _, o := range p.OrderBy {
		path, err := parseField(o.Field.GetFieldPath())
		if err != nil {
			return nil, err
		}
		q.orders = append(q.orders, order{o.Field.GetFieldPath(), path, o.Direction == pb.StructuredQuery_DESCENDING})
	}
	if err := q.normal(); err != nil {
		return nil, err
	}
	for _, c := range []*pb.Cursor{q.start, q.end} {
		if err := q.checkCursor(s, c); err != nil {
			return nil, err
		}
	}
	return q, s.indexes.serve(q)
}

func (q *query) addFilter(f *pb.StructuredQuery_Filter) error {
	switch t := f.GetFilterType().(type) {
	case nil:
		return nil
	case *pb.StructuredQuery_Filter_CompositeFilter:
		if t.CompositeFilter.Op != pb.StructuredQuery_CompositeFilter_AND {
			return absent("filters joined by OR")
		}
		for _, f := range t.CompositeFilter.Filters {
			if err := q.addFilter(f); err != nil {
				return err
			}
		}
		return nil
	case *pb.StructuredQuery_Filter_FieldFilter:
		ff := t.FieldFilter
		switch ff.Op {
		case pb.StructuredQuery_FieldFilter_EQUAL, pb.StructuredQuery_FieldFilter_LESS_THAN, pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL,
			pb.StructuredQuery_FieldFilter_GREATER_THAN, pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL:
		default:
			return absent("filter " + ff.Op.String())
		}
		path, err := parseField(ff.Field.GetFieldPath())
		if err != nil {
			return err
		}
		if path[0] == nameField || rank(ff.Value) == 0 {
			return absent("filters by name or by a value of this type")
		}
		q.filters = append(q.filters, filter{ff.Field.GetFieldPath(), path, ff.Op, ff.Value})
		return nil
	}
	return absent("unary filters")
}

// normal adds the implicit orders and refuses what the documentation does
// (https://firebase.google.com/docs/firestore/query-data/order-limit-data#limitations).
func (q *query) normal() error {
	ranged := map[string]filter{}
	for _, f := range q.filters {
		if f.op != pb.StructuredQuery_FieldFilter_EQUAL {
			ranged[f.field] = f
		}
	}
	if len(ranged) > 1 {
		return absent("ranges over more than one field")
	}
	for field, f := range ranged {
		if len(q.orders) == 0 {
			q.orders = []order{{field, f.path, false}}
		}
		if q.orders[0].field != field {
			return invalid("inequality filter property and first sort order must be the same: %s and %s", field, q.orders[0].field)
		}
	}
	for i, o := range q.orders {
		if o.field == nameField && i < len(q.orders)-1 {
			return invalid("no order may follow that by name")
		}
		if slices.ContainsFunc(q.filters, func(f filter) bool { return f.op == pb.StructuredQuery_FieldFilter_EQUAL && f.field == o.field }) {
			return invalid("cannot order by %s, which an equality filter fixes", o.field)
		}
	}
	if n := len(q.orders); n == 0 || q.orders[n-1].field != nameField {
		q.orders = append(q.orders, order{nameField, []string{nameField}, n > 0 && q.orders[n-1].desc})
	}
	return nil
}

func (q *query) checkCursor(s *Server, c *pb.Cursor) error {
	if c == nil {
		return nil
	}
	if len(c.Values) == 0 || len(c.Values) > len(q.orders) {
		return invalid("a cursor has %d values; the query has %d orders", len(c.Values), len(q.orders))
	}
	for i, v := range c.Values {
		if q.orders[i].field != nameField {
			continue
		}
		if _, ok := v.GetValueType().(*pb.Value_ReferenceValue); !ok {
			return invalid("the cursor's value for the name is no reference")
		}
		if err := checkName(s, v.GetReferenceValue()); err != nil {
			return err
		}
		if parent, _ := cut(v.GetReferenceValue()); !q.covers(parent) {
			return invalid("the cursor's reference is of another collection")
		}
	}
	return nil
}

// covers says whether the query is about a collection, given by its full name.
func (q *query) covers(collection string) bool {
	if !q.group {
		return collection == q.parent+"/"+q.collection
	}
	return strings.HasPrefix(collection, q.parent+"/") && strings.HasSuffix(collection, "/"+q.collection)
}

// matches says whether a document is of the query, limit and cursors aside.
func (q *query) matches(d *doc) bool {
	for _, f := range q.filters {
		v := at(d.fields, f.path)
		if rank(v) == 0 || rank(v) != rank(f.value) {
			return false
		}
		c := compare(v, f.value)
		var ok bool
		switch f.op {
		case pb.StructuredQuery_FieldFilter_EQUAL:
			ok = c == 0
		case pb.StructuredQuery_FieldFilter_LESS_THAN:
			ok = c < 0
		case pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL:
			ok = c <= 0
		case pb.StructuredQuery_FieldFilter_GREATER_THAN:
			ok = c > 0
		case pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL:
			ok = c >= 0
		}
		if !ok {
			return false
		}
	}
	for _, o := range q.orders {
		if rank(o.of(d)) == 0 { // a document without the field is not in its index
			return false
		}
	}
	return true
}

func (o order) of(d *doc) *pb.Value {
	if o.field == nameField {
		return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: d.name}}
	}
	return at(d.fields, o.path)
}

// place compares a document's place with the first values of the order.
func (q *query) place(d *doc, values []*pb.Value) int {
	for i, v := range values {
		if c := compare(q.orders[i].of(d), v); c != 0 {
			if q.orders[i].desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// run is called with the lock held.
func (q *query) run(collections map[string]map[string]*doc) []*doc {
	var out []*doc
	for name, docs := range collections {
		if !q.covers(name) {
			continue
		}
		for _, d := range docs {
			if !q.matches(d) {
				continue
			}
			if q.start != nil {
				if c := q.place(d, q.start.Values); c < 0 || c == 0 && !q.start.Before {
					continue
				}
			}
			if q.end != nil {
				if c := q.place(d, q.end.Values); c > 0 || c == 0 && q.end.Before {
					continue
				}
			}
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *doc) int {
		values := make([]*pb.Value, len(q.orders))
		for i, o := range q.orders {
			values[i] = o.of(b)
		}
		return q.place(a, values)
	})
	if q.limit >= 0 && len(out) > q.limit {
		out = out[:q.limit]
	}
	return out
}

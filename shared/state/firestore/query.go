package firestore

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// batch is how many documents a query reads at once when some of them are left out here.
const batch = 200

// orderOf is the path of the field that sorts a query, nil for the name alone. An id
// that descends is sorted by a field of its own: Firestore serves no query by
// descending name (https://github.com/firebase/flutterfire/issues/4398).
func orderOf(orderBy string, desc bool) []string {
	switch {
	case orderBy != "":
		return native(orderBy)
	case desc:
		return []string{fieldID}
	}
	return nil
}

// plan is a query in Firestore's terms.
type plan struct {
	query firestore.Query
	order []string // nil for the name alone
	rest  []state.Where
}

func (d *Driver) plan(docs *firestore.CollectionRef, q state.Query) (plan, error) {
	orderBy := q.OrderBy
	for _, w := range q.Where {
		if err := d.declared(w.Field); err != nil {
			return plan{}, err
		}
		if w.Op == state.Eq && w.Field == orderBy {
			orderBy = "" // all are equal there, and Firestore refuses to sort by it
		}
	}
	if orderBy != "" {
		if err := d.declared(orderBy); err != nil {
			return plan{}, err
		}
	}
	p := plan{query: docs.Query, order: orderOf(orderBy, q.Desc)}
	var ranged any
	for _, w := range q.Where {
		// Ranges over values of two types are none of Firestore's: the second is checked here.
		inOrder := w.Field == orderBy && (ranged == nil || kind(ranged) == kind(w.Value))
		switch {
		case w.Op == state.Eq:
		case inOrder:
			ranged = w.Value
		default:
			p.rest = append(p.rest, w)
			continue
		}
		p.query = p.query.WherePath(native(w.Field), string(w.Op), w.Value)
	}
	dir := firestore.Asc
	if q.Desc {
		dir = firestore.Desc
	}
	if p.order != nil {
		p.query = p.query.OrderByPath(p.order, dir)
	}
	p.query = p.query.OrderBy(firestore.DocumentID, dir)
	return p, nil
}

func (d *Driver) declared(field string) error {
	if _, ok := slices.BinarySearch(d.fields, field); ok {
		return nil
	}
	return problem.New(problem.FailedPrecondition, "no document can be found by %q", field).
		WithCause("no query of the product's list uses this field").
		WithNext(problem.TurnSupport, "Add the query to the list of shared/state/firestore, and its index to the database.")
}

// after is the query behind a place.
func (p plan) after(c state.Place) firestore.Query {
	if p.order == nil {
		return p.query.StartAfter(c.ID)
	}
	if len(p.order) == 1 { // the id
		return p.query.StartAfter(c.ID, c.ID)
	}
	return p.query.StartAfter(c.Value, c.ID)
}

// placeOf is where a document of the query stands.
func (p plan) placeOf(snap *firestore.DocumentSnapshot) (state.Place, error) {
	c := state.Place{ID: snap.Ref.ID}
	if len(p.order) < 2 {
		return c, nil
	}
	var err error
	c.Value, err = snap.DataAtPath(p.order)
	return c, err
}

// Query implements state.Driver.
func (d *Driver) Query(ctx context.Context, collection string, q state.Query) ([]state.Document, string, error) {
	docs, err := d.docs(ctx, collection)
	if err != nil {
		return nil, "", err
	}
	p, err := d.plan(docs, q)
	if err != nil {
		return nil, "", err
	}
	query := p.query
	if q.Cursor != "" {
		c, err := q.Place(collection)
		if err != nil {
			return nil, "", err
		}
		query = p.after(c)
	}
	var out []state.Document
	var last state.Place
	for {
		n := q.Limit + 1 - len(out) // one more tells whether there is a next page
		if len(p.rest) > 0 {
			n = max(n, batch)
		}
		found, err := query.Limit(n).Documents(ctx).GetAll()
		if err != nil {
			return nil, "", problemOf(ctx, err, "query %s", collection)
		}
		for _, snap := range found {
			if !passes(snap, p.rest) {
				continue
			}
			if len(out) == q.Limit {
				return out, q.CursorAt(collection, last), nil
			}
			doc, err := documentOf(snap)
			if err != nil {
				return nil, "", err
			}
			out = append(out, doc)
			if last, err = p.placeOf(snap); err != nil {
				return nil, "", problem.Wrap(err, problem.Internal, "%s/%s has no place in the order", collection, doc.ID)
			}
		}
		if len(found) < n {
			return out, "", nil
		}
		place, err := p.placeOf(found[len(found)-1])
		if err != nil {
			return nil, "", problem.Wrap(err, problem.Internal, "%s has no place in the order", collection)
		}
		query = p.after(place)
	}
}

// passes checks the conditions that Firestore did not.
func passes(snap *firestore.DocumentSnapshot, rest []state.Where) bool {
	for _, w := range rest {
		v, err := snap.DataAtPath(native(w.Field))
		if err != nil || v == nil || kind(v) != kind(w.Value) { // an absent field matches nothing
			return false
		}
		c := compare(v, w.Value)
		if w.Op == state.Lt && c >= 0 || w.Op == state.Le && c > 0 || w.Op == state.Gt && c <= 0 || w.Op == state.Ge && c < 0 {
			return false
		}
	}
	return true
}

// kind tells the types apart that conditions compare within.
func kind(v any) string {
	switch v.(type) {
	case bool:
		return "bool"
	case int64, float64:
		return "number"
	case string:
		return "string"
	}
	return ""
}

// compare orders two values of one kind; numbers exactly.
func compare(a, b any) int {
	switch x := a.(type) {
	case string:
		return strings.Compare(x, b.(string))
	case bool:
		switch {
		case x == b.(bool):
			return 0
		case x:
			return 1
		}
		return -1
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	return number(a).Cmp(number(b))
}

func number(v any) *big.Float {
	if i, ok := v.(int64); ok {
		return new(big.Float).SetInt64(i)
	}
	return big.NewFloat(v.(float64))
}

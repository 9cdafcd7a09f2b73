package firestore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Words of the index file.
const (
	collectionScope = "COLLECTION"
	groupScope      = "COLLECTION_GROUP"
	ascending       = "ASCENDING"
	descending      = "DESCENDING"
)

// indexes is the index file. Single-field indexes of both directions in collection
// scope are automatic unless a field override says otherwise.
type indexes struct {
	Indexes []struct {
		CollectionGroup string       `json:"collectionGroup"`
		QueryScope      string       `json:"queryScope"`
		Fields          []indexField `json:"fields"`
	} `json:"indexes"`
	FieldOverrides []struct {
		CollectionGroup string `json:"collectionGroup"`
		FieldPath       string `json:"fieldPath"`
		Indexes         []struct {
			Order      string `json:"order"`
			QueryScope string `json:"queryScope"`
		} `json:"indexes"`
	} `json:"fieldOverrides"`
}

type indexField struct {
	FieldPath string `json:"fieldPath"`
	Order     string `json:"order"`
}

func parseIndexes(file []byte) (indexes, error) {
	var x indexes
	if len(file) == 0 {
		return x, nil
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&x); err != nil {
		return x, fmt.Errorf("the index file: %w", err)
	}
	words := func(scope, order string) error {
		if scope != collectionScope && scope != groupScope || order != ascending && order != descending {
			return fmt.Errorf("the index file: scope %q with order %q", scope, order)
		}
		return nil
	}
	for _, i := range x.Indexes {
		if i.CollectionGroup == "" || len(i.Fields) < 2 { // one field is the automatic kind's
			return x, fmt.Errorf("the index file: an index of %q has %d fields", i.CollectionGroup, len(i.Fields))
		}
		for _, f := range i.Fields {
			if _, err := parseField(f.FieldPath); err != nil {
				return x, err
			}
			if err := words(i.QueryScope, f.Order); err != nil {
				return x, err
			}
		}
	}
	for _, o := range x.FieldOverrides {
		if o.CollectionGroup == "" || o.FieldPath == "" {
			return x, fmt.Errorf("the index file: an override names no field")
		}
		for _, i := range o.Indexes {
			if err := words(i.QueryScope, i.Order); err != nil {
				return x, err
			}
		}
	}
	return x, nil
}

// serve says whether an index serves a query
// (https://firebase.google.com/docs/firestore/query-data/index-overview): an
// automatic one for equalities alone or for one order; else composite ones, which
// may be merged when they end in the same orders and the equalities before them are
// together all of the query's.
func (x indexes) serve(q *query) error {
	scope := collectionScope
	if q.group {
		scope = groupScope
	}
	var equal []string
	for _, f := range q.filters {
		if !slices.ContainsFunc(q.orders, func(o order) bool { return o.field == f.field }) {
			equal = append(equal, f.field)
		}
	}
	last := q.orders[len(q.orders)-1]
	orders := q.orders[:len(q.orders)-1] // without the name
	if len(orders) == 0 && last.desc || len(orders) > 0 && orders[len(orders)-1].desc != last.desc {
		return needsIndex("by name in a direction of its own")
	}
	if len(orders) == 0 {
		for _, f := range equal {
			if !x.single(q.collection, f, scope, ascending) {
				return needsIndex(f)
			}
		}
		return nil
	}
	if len(orders) == 1 && len(equal) == 0 {
		if o := orders[0]; !x.single(q.collection, o.field, scope, direction(o.desc)) {
			return needsIndex(o.field + " " + direction(o.desc))
		}
		return nil
	}
	covered := map[string]bool{}
	for _, i := range x.Indexes {
		n := len(i.Fields) - len(orders)
		if i.CollectionGroup != q.collection || i.QueryScope != scope || n < 0 {
			continue
		}
		ends := slices.EqualFunc(i.Fields[n:], orders, func(f indexField, o order) bool {
			return f.FieldPath == o.field && f.Order == direction(o.desc)
		})
		begins := !slices.ContainsFunc(i.Fields[:n], func(f indexField) bool { return !slices.Contains(equal, f.FieldPath) })
		if ends && begins {
			for _, f := range i.Fields[:n] {
				covered[f.FieldPath] = true
			}
			if n == 0 && len(equal) == 0 {
				return nil
			}
		}
	}
	for _, f := range equal {
		if !covered[f] {
			return needsIndex(fmt.Sprintf("%v, then %v", equal, orders))
		}
	}
	if len(equal) == 0 {
		return needsIndex(fmt.Sprint(orders))
	}
	return nil
}

func direction(desc bool) string {
	if desc {
		return descending
	}
	return ascending
}

func (x indexes) single(collection, field, scope, order string) bool {
	for _, o := range x.FieldOverrides {
		if o.CollectionGroup != collection || o.FieldPath != field {
			continue
		}
		for _, i := range o.Indexes {
			if i.QueryScope == scope && i.Order == order {
				return true
			}
		}
		return false
	}
	return scope == collectionScope
}

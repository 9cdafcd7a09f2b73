package state

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Limits that every driver can keep; Firestore's are the narrowest
// (https://firebase.google.com/docs/firestore/quotas).
const (
	maxIDBytes    = 1500
	maxConditions = 10
)

// fieldName is a field or a path into nested objects.
var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,99}(\.[A-Za-z_][A-Za-z0-9_-]{0,99}){0,9}$`)

// validName refuses names that some driver could not keep: a collection path
// has an odd number of parts (collection, id, collection, …).
func validName(collection, id string) error {
	if err := validCollection(collection); err != nil {
		return err
	}
	return validPart(collection, "document id", id)
}

func validCollection(path string) error {
	parts := strings.Split(path, "/")
	if len(parts)%2 == 0 {
		return problem.New(problem.InvalidArgument, "%q names a document, not a collection", path).
			WithCause("a collection path has an odd number of parts")
	}
	for _, p := range parts {
		if err := validPart(path, "part", p); err != nil {
			return err
		}
	}
	return nil
}

func validPart(collection, what, s string) error {
	why := ""
	switch {
	case s == "":
		why = "is empty"
	case len(s) > maxIDBytes:
		why = "is longer than 1500 bytes"
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		why = "is not text"
	case strings.Contains(s, "/"):
		why = "contains a slash"
	case s == "." || s == "..":
		why = "is a dot"
	case strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__"):
		why = "is reserved"
	default:
		return nil
	}
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "") + "…"
	}
	return problem.New(problem.InvalidArgument, "%s %q of %q %s", what, s, collection, why)
}

// normal checks a query and brings its values to string, bool, int64 or float64.
func (q Query) normal(collection string) (Query, error) {
	if err := validCollection(collection); err != nil {
		return q, err
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Limit < 0 || q.Limit > 1000 {
		return q, problem.New(problem.InvalidArgument, "a page holds 1 to 1000 documents, not %d", q.Limit)
	}
	if q.OrderBy != "" && !fieldName.MatchString(q.OrderBy) {
		return q, problem.New(problem.InvalidArgument, "cannot order by %q: not a field name", q.OrderBy)
	}
	if len(q.Where) > maxConditions {
		return q, problem.New(problem.InvalidArgument, "a query has at most %d conditions, not %d", maxConditions, len(q.Where))
	}
	where := make([]Where, len(q.Where))
	for i, w := range q.Where {
		if !fieldName.MatchString(w.Field) {
			return q, problem.New(problem.InvalidArgument, "cannot filter by %q: not a field name", w.Field)
		}
		switch w.Op {
		case Eq, Lt, Le, Gt, Ge:
		default:
			return q, problem.New(problem.InvalidArgument, "cannot filter by %s: unknown comparison %q", w.Field, w.Op)
		}
		v, ok := normalValue(w.Value)
		if !ok {
			return q, problem.New(problem.InvalidArgument, "cannot filter by %s: a %T is not a string, a finite number or a bool", w.Field, w.Value)
		}
		w.Value = v
		where[i] = w
	}
	q.Where = where
	return q, nil
}

func normalValue(v any) (any, bool) {
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i, true
		}
		f, err := n.Float64()
		return f, err == nil
	}
	r := reflect.ValueOf(v)
	switch {
	case !r.IsValid():
		return nil, false
	case r.Kind() == reflect.String:
		return r.String(), utf8.ValidString(r.String())
	case r.Kind() == reflect.Bool:
		return r.Bool(), true
	case r.CanInt():
		return r.Int(), true
	case r.CanUint():
		return int64(r.Uint()), r.Uint() <= math.MaxInt64
	case r.CanFloat():
		f := r.Float()
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return nil, false
}

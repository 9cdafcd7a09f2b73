package firestore

import (
	"encoding/json"
	"slices"
	"strings"
)

// Shape is the form of a query.
type Shape struct {
	Equal   []string // fields compared with ==; a query may use any of them
	Range   []string // fields compared with < <= > >=
	OrderBy string
	Desc    bool
}

// Queries are the product's queries by the file that makes them. A test reads those
// files and fails when a field, an order or a direction is missing here.
var Queries = map[string][]Shape{
	"functions/etlapi/connections.go":                  {{Desc: true}, {}},
	"functions/etlapi/jobs.go":                         {{Equal: []string{"connection"}, Desc: true}},
	"functions/etlapi/runs.go":                         {{Equal: []string{"job", "status"}, OrderBy: "number", Desc: true}},
	"functions/modelapi/modelapi.go":                   {{Equal: []string{"snapshot.feature_config"}}, {Equal: []string{"snapshot.model_config"}}},
	"functions/planrun/planrun.go":                     {{Equal: []string{"job"}}},
	"functions/receiveupload/receiveupload.go":         {{Equal: []string{"connection"}}},
	"functions/repairexperiments/repairexperiments.go": {{}},
	"shared/dataset/projects.go":                       {{}},
	"shared/dataset/service.go":                        {{Desc: true}, {Equal: []string{"definition.dataset"}}},
	"shared/etl/fold.go":                               {{Range: []string{"id"}, OrderBy: "id"}},
	"shared/etl/store.go":                              {{Equal: []string{"connection"}}},
	"shared/experiment/read.go":                        {{Range: []string{"id"}, OrderBy: "id", Desc: true}},
	"shared/experiment/repair.go":                      {{Equal: []string{"status"}}},
	"shared/identity/people/people.go":                 {{}},
	"shared/recommend/recommend.go":                    {{Equal: []string{"status"}, Desc: true}},
	"shared/versioned/versioned.go":                    {{Desc: true}},
}

// Shapes are all of Queries.
func Shapes() []Shape {
	var out []Shape
	for _, s := range Queries {
		out = append(out, s...)
	}
	return out
}

// fieldsOf are the fields that a list of shapes needs as native values, sorted.
func fieldsOf(shapes []Shape) []string {
	var out []string
	for _, s := range shapes {
		out = append(append(out, s.Equal...), s.Range...)
		if s.OrderBy != "" {
			out = append(out, s.OrderBy)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Indexes gives what the shapes need beyond the automatic indexes, in the format of
// the Firebase CLI (https://firebase.google.com/docs/reference/firestore/indexes):
// one composite index for each pair of an equality and an order, which Firestore
// merges for a query with several equalities
// (https://firebase.google.com/docs/firestore/query-data/index-overview#taking_advantage_of_index_merging);
// no index of the JSON and of the marks; the collection's name across all collections,
// for watches alone.
func Indexes(shapes []Shape) ([]byte, error) {
	type field struct {
		FieldPath string `json:"fieldPath"`
		Order     string `json:"order"`
	}
	type index struct {
		CollectionGroup string  `json:"collectionGroup"`
		QueryScope      string  `json:"queryScope"`
		Fields          []field `json:"fields"`
	}
	type single struct {
		Order      string `json:"order"`
		QueryScope string `json:"queryScope"`
	}
	type override struct {
		CollectionGroup string   `json:"collectionGroup"`
		FieldPath       string   `json:"fieldPath"`
		Indexes         []single `json:"indexes"`
	}
	var file struct {
		Indexes        []index    `json:"indexes"`
		FieldOverrides []override `json:"fieldOverrides"`
	}
	file.Indexes = []index{}
	for _, s := range shapes {
		o := orderOf(s.OrderBy, s.Desc)
		if o == nil {
			continue
		}
		for _, e := range s.Equal {
			dir := "ASCENDING"
			if s.Desc {
				dir = "DESCENDING"
			}
			file.Indexes = append(file.Indexes, index{docsID, "COLLECTION", []field{{plain(native(e)), "ASCENDING"}, {plain(o), dir}}})
		}
	}
	slices.SortFunc(file.Indexes, func(a, b index) int {
		return slices.CompareFunc(a.Fields, b.Fields, func(f, g field) int { return strings.Compare(f.FieldPath+f.Order, g.FieldPath+g.Order) })
	})
	file.Indexes = slices.CompactFunc(file.Indexes, func(a, b index) bool { return slices.Equal(a.Fields, b.Fields) })
	file.FieldOverrides = []override{
		{docsID, fieldCollection, []single{{"ASCENDING", "COLLECTION_GROUP"}}},
		{docsID, fieldJSON, []single{}},
		{docsID, fieldMarks, []single{}},
	}
	b, err := json.MarshalIndent(file, "", "  ")
	return append(b, '\n'), err
}

// plain writes a field path as index files do: a name that is not simple is quoted.
func plain(path []string) string {
	names := slices.Clone(path)
	for i, n := range names {
		if strings.Contains(n, "-") {
			names[i] = "`" + n + "`"
		}
	}
	return strings.Join(names, ".")
}

package dataset

import (
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// ExportSQL gives the statements of ExportExamples by folder; for tests.
func ExportSQL(ex Examples, d warehouse.Dialect) (map[string]warehouse.Statement, error) {
	out := map[string]warehouse.Statement{}
	for _, p := range exports(ex) {
		s, err := sql.Build(d, nil, p.query)
		if err != nil {
			return nil, err
		}
		out[p.folder] = s
	}
	return out, nil
}

// AnalysisSQL gives the statement of groups; for tests.
func AnalysisSQL(def Definition, schemas Schemas, d warehouse.Dialect, f Form) (warehouse.Statement, error) {
	a, err := newAnalysis(def, schemas, f.Now)
	if err != nil {
		return warehouse.Statement{}, err
	}
	steps, body, _ := a.groupsQuery()
	return sql.Build(d, steps, body)
}

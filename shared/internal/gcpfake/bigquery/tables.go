package bigquery

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

type dataset struct {
	*bq.Dataset
	tables map[string]*bq.Table
}

func (s *Server) insertDataset(r *request) (any, *Error) {
	var d bq.Dataset
	if e := decode(r, &d); e != nil {
		return nil, e
	}
	switch {
	case d.DatasetReference == nil || !named(reDataset, d.DatasetReference.DatasetId):
		return nil, fail(http.StatusBadRequest, "invalid", "Invalid dataset ID")
	case d.Location != s.o.Location:
		return nil, fail(http.StatusBadRequest, "invalid", "the fake is in %s, not in %q", s.o.Location, d.Location)
	}
	id := d.DatasetReference.DatasetId
	if s.datasets[id] != nil {
		return nil, fail(http.StatusConflict, "duplicate", "Already Exists: Dataset %s:%s", s.o.Project, id)
	}
	// A server begins empty; its engine may have served another one.
	for _, sql := range []string{"DROP SCHEMA IF EXISTS " + ident(id) + " CASCADE", "CREATE SCHEMA " + ident(id)} {
		if _, e := s.engine.Run(s.ctx, sql, nil, false); e != nil {
			return nil, e
		}
	}
	d.DatasetReference.ProjectId, d.Kind, d.Etag = s.o.Project, "bigquery#dataset", "1"
	s.datasets[id] = &dataset{&d, map[string]*bq.Table{}}
	return &d, nil
}

func (s *Server) getDataset(r *request) (any, *Error) {
	d, e := s.dataset(r.PathValue("dataset"))
	if e != nil {
		return nil, e
	}
	return d.Dataset, nil
}

func (s *Server) dataset(id string) (*dataset, *Error) {
	d := s.datasets[id]
	if d == nil {
		return nil, fail(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s", s.o.Project, id)
	}
	return d, nil
}

// find gives a table that exists.
func (s *Server) find(ref *bq.TableReference) (*dataset, *bq.Table, *Error) {
	if ref == nil || ref.ProjectId != s.o.Project {
		return nil, nil, fail(http.StatusBadRequest, "invalid", "A table of the project %s is needed, not %+v", s.o.Project, ref)
	}
	d, e := s.dataset(ref.DatasetId)
	if e != nil {
		return nil, nil, e
	}
	t := d.tables[ref.TableId]
	if t == nil {
		return d, nil, fail(http.StatusNotFound, "notFound", "Not found: Table %s:%s.%s", s.o.Project, ref.DatasetId, ref.TableId)
	}
	return d, t, nil
}

func (s *Server) ref(r *request) *bq.TableReference {
	return &bq.TableReference{ProjectId: s.o.Project, DatasetId: r.PathValue("dataset"), TableId: r.PathValue("table")}
}

func (s *Server) insertTable(r *request) (any, *Error) {
	var t bq.Table
	if e := decode(r, &t); e != nil {
		return nil, e
	}
	if t.TableReference == nil || t.TableReference.DatasetId != r.PathValue("dataset") || !named(reTable, t.TableReference.TableId) {
		return nil, fail(http.StatusBadRequest, "invalid", "Invalid table ID")
	}
	if t.TableReference.ProjectId == "" {
		t.TableReference.ProjectId = s.o.Project
	}
	d, have, e := s.find(t.TableReference)
	switch {
	case d == nil:
		return nil, e
	case have != nil:
		return nil, fail(http.StatusConflict, "duplicate", "Already Exists: Table %s:%s.%s", s.o.Project, d.DatasetReference.DatasetId, t.TableReference.TableId)
	}
	if e := checkLabels(t.Labels); e != nil {
		return nil, e
	}
	statement := ""
	if t.View != nil {
		statement = "CREATE VIEW " + name(t.TableReference) + " AS " + t.View.Query
	} else {
		if e := checkSchema(t.Schema); e != nil {
			return nil, e
		}
		if e := checkLayout(&t); e != nil {
			return nil, e
		}
		statement = "CREATE TABLE " + name(t.TableReference) + " (" + columns(t.Schema.Fields) + ")"
	}
	if _, e := s.engine.Run(s.ctx, statement, nil, false); e != nil {
		return nil, e
	}
	if e := s.keep(d, &t); e != nil {
		return nil, e
	}
	return s.describe(&t)
}

// keep enters a table that the engine has.
func (s *Server) keep(d *dataset, t *bq.Table) *Error {
	t.Kind, t.Type, t.CreationTime, t.Location = "bigquery#table", "TABLE", time.Now().UnixMilli(), s.o.Location
	t.Id = fmt.Sprintf("%s:%s.%s", s.o.Project, t.TableReference.DatasetId, t.TableReference.TableId)
	if t.View != nil {
		t.Type = "VIEW"
	}
	if d.DefaultTableExpirationMs > 0 && t.ExpirationTime == 0 {
		t.ExpirationTime = t.CreationTime + d.DefaultTableExpirationMs
	}
	if t.Schema == nil {
		out, e := s.engine.Run(s.ctx, "SELECT * FROM "+name(t.TableReference)+" LIMIT 0", nil, false)
		if e != nil {
			return e
		}
		t.Schema = out.Schema
	}
	s.touch(t)
	d.tables[t.TableReference.TableId] = t
	return nil
}

// touch marks a change.
func (s *Server) touch(t *bq.Table) {
	n, _ := strconv.Atoi(t.Etag) // the fake's own
	t.Etag, t.LastModifiedTime = strconv.Itoa(n+1), uint64(time.Now().UnixMilli())
}

func (s *Server) getTable(r *request) (any, *Error) {
	_, t, e := s.find(s.ref(r))
	if e != nil {
		return nil, e
	}
	return s.describe(t)
}

// describe counts rows; bytes are 8 per value, which is less than BigQuery's size of
// long texts and more than that of a BOOL.
func (s *Server) describe(t *bq.Table) (any, *Error) {
	out := *t
	if t.Type == "TABLE" {
		n, e := s.count(t.TableReference)
		if e != nil {
			return nil, e
		}
		out.NumRows, out.NumBytes = uint64(n), n*8*int64(len(t.Schema.Fields))
		out.ForceSendFields = []string{"NumRows", "NumBytes"}
	}
	return &out, nil
}

func (s *Server) count(t *bq.TableReference) (int64, *Error) {
	out, e := s.engine.Run(s.ctx, "SELECT COUNT(*) AS n FROM "+name(t), nil, false)
	if e != nil {
		return 0, e
	}
	n, err := strconv.ParseInt(fmt.Sprint(out.Rows[0].F[0].V), 10, 64)
	if err != nil {
		return 0, fail(http.StatusInternalServerError, "internalError", "the engine counted %v", out.Rows[0].F[0].V)
	}
	return n, nil
}

// pageTables is small, so that clients have to turn pages.
const pageTables = 10

func (s *Server) listTables(r *request) (any, *Error) {
	d, e := s.dataset(r.PathValue("dataset"))
	if e != nil {
		return nil, e
	}
	var names []string
	for n := range d.tables {
		names = append(names, n)
	}
	sort.Strings(names)
	from, _ := strconv.Atoi(r.FormValue("pageToken")) // "" is the first page
	out := &bq.TableList{Kind: "bigquery#tableList", TotalItems: int64(len(names))}
	for i := from; i < len(names) && i < from+pageTables; i++ {
		t := d.tables[names[i]]
		// The list tells neither schema nor rows.
		out.Tables = append(out.Tables, &bq.TableListTables{Id: t.Id, TableReference: t.TableReference, Type: t.Type, Labels: t.Labels, CreationTime: t.CreationTime})
	}
	if from+pageTables < len(names) {
		out.NextPageToken = strconv.Itoa(from + pageTables)
	}
	return out, nil
}

func (s *Server) patchTable(r *request) (any, *Error) {
	var change bq.Table
	if e := decode(r, &change); e != nil {
		return nil, e
	}
	_, t, e := s.find(s.ref(r))
	if e != nil {
		return nil, e
	}
	if tag := r.Header.Get("If-Match"); tag != "" && tag != t.Etag {
		return nil, fail(http.StatusPreconditionFailed, "conditionNotMet", "Precondition check failed.")
	}
	if change.Schema == nil || t.Type != "TABLE" {
		return nil, fail(http.StatusNotImplemented, "notImplemented", "the fake patches the schema of tables only")
	}
	if e := checkSchema(change.Schema); e != nil {
		return nil, e
	}
	mismatch := func(format string, args ...any) *Error {
		return fail(http.StatusBadRequest, "invalid", "Provided Schema does not match Table %s. "+format, append([]any{t.Id}, args...)...)
	}
	old, now := t.Schema.Fields, change.Schema.Fields
	for i, f := range old {
		if i >= len(now) || now[i].Name != f.Name {
			return nil, mismatch("Field %s is missing in new schema", f.Name)
		}
		if now[i].Type != f.Type || now[i].Mode != f.Mode {
			return nil, mismatch("Field %s has changed type or mode", f.Name)
		}
	}
	for _, f := range now[len(old):] {
		if f.Mode == "REQUIRED" {
			return nil, mismatch("Cannot add required fields to an existing schema. (field: %s)", f.Name)
		}
		if _, e := s.engine.Run(s.ctx, "ALTER TABLE "+name(t.TableReference)+" ADD COLUMN "+columns([]*bq.TableFieldSchema{f}), nil, false); e != nil {
			return nil, e
		}
	}
	t.Schema = change.Schema
	s.touch(t)
	return s.describe(t)
}

func (s *Server) deleteTable(r *request) (any, *Error) {
	d, t, e := s.find(s.ref(r))
	if e != nil {
		return nil, e
	}
	if _, e := s.engine.Run(s.ctx, "DROP "+t.Type+" "+name(t.TableReference), nil, false); e != nil {
		return nil, e
	}
	delete(d.tables, t.TableReference.TableId)
	return struct{}{}, nil
}

// Expire does at once what a table's expiration does in time.
func (s *Server) Expire(ctx context.Context, dataset, table string) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, t, e := s.find(&bq.TableReference{ProjectId: s.o.Project, DatasetId: dataset, TableId: table})
	if e != nil {
		return e
	}
	if t.ExpirationTime == 0 {
		return fail(http.StatusBadRequest, "invalid", "table %s does not expire", t.Id)
	}
	_, e = s.engine.Run(ctx, "DROP TABLE "+name(t.TableReference), nil, false)
	delete(d.tables, table)
	return e
}

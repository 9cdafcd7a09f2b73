package bigquery

import (
	"fmt"
	"net/http"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

func (s *Server) dryRun(j *bq.Job) (any, *Error) {
	out, e := s.engine.Run(s.ctx, j.Configuration.Query.Query, j.Configuration.Query.QueryParameters, true)
	if e != nil {
		return nil, e
	}
	scanned := s.scanned(j.Configuration.Query.Query)
	j.Status = &bq.JobStatus{State: "DONE"}
	j.Statistics = &bq.JobStatistics{TotalBytesProcessed: scanned, Query: &bq.JobStatistics2{
		StatementType: out.Type, Schema: out.Schema, TotalBytesProcessed: scanned,
	}}
	return j, nil
}

func (s *Server) scanned(sql string) int64 {
	if s.o.Scans == nil {
		return 0
	}
	return s.o.Scans(sql)
}

func (s *Server) runQuery(j *job) *Error {
	q := j.Configuration.Query
	scanned := s.scanned(q.Query)
	if q.MaximumBytesBilled > 0 && scanned > q.MaximumBytesBilled {
		return fail(http.StatusBadRequest, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: %d. %d or higher required.", q.MaximumBytesBilled, scanned)
	}
	var d *dataset
	statement := q.Query
	if q.DestinationTable != nil {
		var have *bq.Table
		var e *Error
		if d, have, e = s.find(q.DestinationTable); d == nil {
			return e
		}
		if have != nil && have.Type != "TABLE" {
			return fail(http.StatusBadRequest, "invalid", "Cannot write to %s: it is a %s", have.Id, have.Type)
		}
		if !named(reTable, q.DestinationTable.TableId) {
			return fail(http.StatusBadRequest, "invalid", "Invalid table ID %q", q.DestinationTable.TableId)
		}
		statement = "CREATE OR REPLACE TABLE " + name(q.DestinationTable) + " AS\n" + q.Query
	}
	out, e := s.engine.Run(s.ctx, statement, q.QueryParameters, false)
	if e != nil {
		return e
	}
	if d != nil {
		if out, e = s.engine.Run(s.ctx, "SELECT * FROM "+name(q.DestinationTable), nil, false); e != nil {
			return e
		}
		t := d.tables[q.DestinationTable.TableId]
		if t == nil {
			t = &bq.Table{TableReference: q.DestinationTable}
		}
		t.Schema = out.Schema
		if e := s.keep(d, t); e != nil {
			return e
		}
		out.Type = "SELECT"
	}
	j.result, j.rows = out, int64(len(out.Rows))
	j.Statistics.TotalBytesProcessed = scanned
	j.Statistics.Query = &bq.JobStatistics2{StatementType: out.Type, TotalBytesProcessed: scanned}
	return nil
}

func (s *Server) runLoad(j *job) *Error {
	l := j.Configuration.Load
	d, have, e := s.find(l.DestinationTable)
	switch {
	case d == nil:
		return e
	case l.SourceFormat != "PARQUET" || l.WriteDisposition != "WRITE_TRUNCATE" || l.CreateDisposition != "CREATE_IF_NEEDED" || l.Schema == nil:
		return fail(http.StatusNotImplemented, "notImplemented", "the fake loads Parquet over a table of a given schema only")
	case len(l.SourceUris) == 0 || len(l.SourceUris) > 10_000:
		return fail(http.StatusBadRequest, "invalid", "Load configuration must specify between 1 and 10000 source URIs, not %d", len(l.SourceUris))
	case !named(reTable, l.DestinationTable.TableId):
		return fail(http.StatusBadRequest, "invalid", "Invalid table ID %q", l.DestinationTable.TableId)
	}
	for _, uri := range l.SourceUris {
		if !strings.HasPrefix(uri, "gs://") || strings.Contains(uri, "*") {
			return fail(http.StatusBadRequest, "invalid", "Source URI must be a Google Cloud Storage location: %s", uri)
		}
	}
	if e := checkSchema(l.Schema); e != nil {
		return e
	}
	for _, f := range l.Schema.Fields {
		if f.Type == "JSON" { // github.com/googleapis/python-bigquery/issues/1966
			return fail(http.StatusBadRequest, "invalid", "Unsupported field type: JSON")
		}
		if f.Mode == "REPEATED" && (l.ParquetOptions == nil || !l.ParquetOptions.EnableListInference) {
			return fail(http.StatusBadRequest, "invalid", "Field %s is a LIST of Parquet; that is a RECORD without enableListInference", f.Name)
		}
	}
	id := name(l.DestinationTable)
	if s.loads[id]++; s.loads[id] > s.o.LoadsPerTable {
		return fail(http.StatusForbidden, "quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table.")
	}
	// Nothing else runs meanwhile, so a table that is half full is never seen.
	var n int64
	_, e = s.engine.Run(s.ctx, "CREATE OR REPLACE TABLE "+id+" ("+columns(l.Schema.Fields)+")", nil, false)
	if e == nil {
		n, e = s.engine.Load(s.ctx, l.DestinationTable, l.SourceUris)
	}
	if e != nil {
		// What the table held before is lost, unlike in BigQuery: nobody who loads over a
		// table reads it after a failure.
		_, _ = s.engine.Run(s.ctx, "DROP TABLE IF EXISTS "+id, nil, false)
		delete(d.tables, l.DestinationTable.TableId)
		return e
	}
	t := have
	if t == nil {
		t = &bq.Table{TableReference: l.DestinationTable}
	}
	t.Schema = l.Schema
	j.Statistics.Load = &bq.JobStatistics3{OutputRows: n, InputFiles: int64(len(l.SourceUris)), ForceSendFields: []string{"OutputRows"}}
	return s.keep(d, t)
}

func (s *Server) runExtract(j *job) *Error {
	x := j.Configuration.Extract
	if _, _, e := s.find(x.SourceTable); e != nil {
		return e
	}
	if x.DestinationFormat != "PARQUET" || x.Compression != "ZSTD" || len(x.DestinationUris) != 1 {
		return fail(http.StatusNotImplemented, "notImplemented", "the fake extracts to one zstd Parquet address only")
	}
	uri := x.DestinationUris[0]
	if !strings.HasPrefix(uri, "gs://") || strings.Count(uri, "*") != 1 {
		return fail(http.StatusBadRequest, "invalid", "Extract destination must be a Google Cloud Storage location with one wildcard: %s", uri)
	}
	out, e := s.engine.Run(s.ctx, fmt.Sprintf("EXPORT DATA OPTIONS (uri=%s, format='PARQUET', compression='ZSTD', overwrite=true) AS SELECT * FROM %s",
		quote(uri), name(x.SourceTable)), nil, false)
	if e != nil {
		return e
	}
	j.Statistics.Extract = &bq.JobStatistics4{DestinationUriFileCounts: []int64{out.Files}}
	return nil
}

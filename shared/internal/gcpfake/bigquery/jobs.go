package bigquery

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

type job struct {
	*bq.Job
	err    *Error
	result *Result // of a query that succeeded
	rows   int64   // of the result, also where it went into a table
	looks  int     // left until the job shows as done
}

func (s *Server) insertJob(r *request) (any, *Error) {
	var j bq.Job
	if e := decode(r, &j); e != nil {
		return nil, e
	}
	kind, e := s.checkJob(&j)
	if e != nil {
		return nil, e
	}
	r.call.Job, r.call.Kind = j.JobReference.JobId, kind
	if e := s.before(r); e != nil {
		return nil, e
	}
	if kind == "dry run" {
		return s.dryRun(&j)
	}
	if s.jobs[j.JobReference.JobId] != nil {
		return nil, fail(http.StatusConflict, "duplicate", "Already Exists: Job %s:%s.%s", s.o.Project, s.o.Location, j.JobReference.JobId)
	}
	made := &job{Job: &j, looks: s.o.Running}
	now := time.Now().UnixMilli()
	j.Kind, j.Id = "bigquery#job", s.o.Project+":"+s.o.Location+"."+j.JobReference.JobId
	j.Statistics = &bq.JobStatistics{CreationTime: now, StartTime: now}
	if f := s.o.Faults.Fail; f != nil {
		made.err = f(r.call)
	}
	if made.err == nil {
		switch kind {
		case "query":
			made.err = s.runQuery(made)
		case "load":
			made.err = s.runLoad(made)
		case "extract":
			made.err = s.runExtract(made)
		}
	}
	j.Statistics.EndTime = time.Now().UnixMilli()
	j.Status = &bq.JobStatus{State: "DONE"}
	s.jobs[j.JobReference.JobId] = made
	if e := made.err; e != nil {
		j.Status.ErrorResult = e.proto()
		j.Status.Errors = []*bq.ErrorProto{e.proto()}
		if analysis(&j, e) {
			return nil, e
		}
	}
	reply := j
	reply.Status = &bq.JobStatus{State: "RUNNING"}
	return &reply, nil
}

// analysis says whether the statement was refused before it ran: the reply of the
// insert tells it then. The id is taken all the same.
func analysis(j *bq.Job, e *Error) bool {
	q := j.Configuration.Query
	return q != nil && !script(q.Query) && (e.Reason == "notFound" || strings.HasPrefix(e.Message, "Syntax error"))
}

func script(sql string) bool { return strings.Contains(strings.TrimRight(sql, "; \n"), ";\n") }

// checkJob gives the kind of a job that is well formed.
func (s *Server) checkJob(j *bq.Job) (string, *Error) {
	c, ref := j.Configuration, j.JobReference
	switch {
	case c == nil:
		return "", fail(http.StatusBadRequest, "required", "Required parameter is missing: configuration")
	case ref == nil || ref.ProjectId != s.o.Project:
		return "", fail(http.StatusBadRequest, "invalid", "The job's project is not %s", s.o.Project)
	case !named(reJob, ref.JobId):
		return "", fail(http.StatusBadRequest, "invalid", "Invalid job ID %q", ref.JobId)
	case ref.Location != s.o.Location:
		return "", fail(http.StatusBadRequest, "invalid", "the fake is in %s, not in %q", s.o.Location, ref.Location)
	}
	if e := checkLabels(c.Labels); e != nil {
		return "", e
	}
	switch {
	case c.Query != nil && c.Load == nil && c.Extract == nil:
		q := c.Query
		if q.UseLegacySql == nil || *q.UseLegacySql {
			return "", fail(http.StatusNotImplemented, "notImplemented", "the fake has no legacy SQL")
		}
		if len(q.QueryParameters) > 0 && q.ParameterMode != "" && q.ParameterMode != "NAMED" {
			return "", fail(http.StatusNotImplemented, "notImplemented", "the fake has named parameters only")
		}
		if q.DestinationTable != nil && (q.WriteDisposition != "WRITE_TRUNCATE" || q.CreateDisposition != "CREATE_IF_NEEDED") {
			return "", fail(http.StatusNotImplemented, "notImplemented", "the fake replaces destinations only")
		}
		if c.DryRun {
			return "dry run", nil
		}
		return "query", nil
	case c.Load != nil && c.Query == nil && c.Extract == nil && !c.DryRun:
		return "load", nil
	case c.Extract != nil && c.Query == nil && c.Load == nil && !c.DryRun:
		return "extract", nil
	}
	return "", fail(http.StatusBadRequest, "invalid", "Job configuration must contain exactly one job-specific configuration object that the fake knows")
}

func (s *Server) job(r *request) (*job, *Error) {
	j := s.jobs[r.PathValue("job")]
	// A job outside of US and EU is found only by its location.
	if j == nil || r.FormValue("location") != s.o.Location {
		return nil, fail(http.StatusNotFound, "notFound", "Not found: Job %s:%s", s.o.Project, r.PathValue("job"))
	}
	return j, nil
}

func (s *Server) getJob(r *request) (any, *Error) {
	j, e := s.job(r)
	if e != nil {
		return nil, e
	}
	if j.looks > 0 {
		j.looks--
		reply := *j.Job
		reply.Status = &bq.JobStatus{State: "RUNNING"}
		return &reply, nil
	}
	return j.Job, nil
}

// cancelJob comes too late, as it may in BigQuery: the job runs at its insert.
func (s *Server) cancelJob(r *request) (any, *Error) {
	j, e := s.job(r)
	if e != nil {
		return nil, e
	}
	j.looks = 0
	return &bq.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: j.Job}, nil
}

// pageRows is small, so that clients have to turn pages.
const pageRows = 100

func (s *Server) results(r *request) (any, *Error) {
	j, e := s.job(r)
	switch {
	case e != nil:
		return nil, e
	case j.looks > 0:
		return &bq.GetQueryResultsResponse{Kind: "bigquery#getQueryResultsResponse", JobReference: j.JobReference, ForceSendFields: []string{"JobComplete"}}, nil
	case j.err != nil:
		return nil, j.err
	case j.result == nil:
		return nil, fail(http.StatusBadRequest, "invalid", "Cannot retrieve results of a job that is no query")
	case r.FormValue("formatOptions.useInt64Timestamp") != "true" && r.FormValue("maxResults") != "0":
		return nil, fail(http.StatusNotImplemented, "notImplemented", "the fake has timestamps as INT64 only")
	}
	out := &bq.GetQueryResultsResponse{
		Kind: "bigquery#getQueryResultsResponse", JobComplete: true, JobReference: j.JobReference, Schema: j.result.Schema,
		TotalRows: uint64(j.rows), ForceSendFields: []string{"TotalRows"},
	}
	out.Rows, out.PageToken = page(r, j.result.Rows)
	return out, nil
}

// page gives the rows that are asked for, and the token of the next ones.
func page(r *request, all []*bq.TableRow) ([]*bq.TableRow, string) {
	from, err := strconv.Atoi(r.FormValue("pageToken"))
	if err != nil {
		from, _ = strconv.Atoi(r.FormValue("startIndex")) // neither is the first page
	}
	size := pageRows
	if n, err := strconv.Atoi(r.FormValue("maxResults")); err == nil {
		size = min(size, n)
	}
	if from >= len(all) {
		return nil, ""
	}
	end := min(from+size, len(all))
	if end == len(all) || size == 0 {
		return all[from:end], ""
	}
	return all[from:end], strconv.Itoa(end)
}

// listRows reads a table without a job and without a charge.
func (s *Server) listRows(r *request) (any, *Error) {
	_, t, e := s.find(s.ref(r))
	switch {
	case e != nil:
		return nil, e
	case t.Type != "TABLE":
		return nil, fail(http.StatusBadRequest, "invalid", "Cannot list a table of type %s.", t.Type)
	case r.FormValue("formatOptions.useInt64Timestamp") != "true":
		return nil, fail(http.StatusNotImplemented, "notImplemented", "the fake has timestamps as INT64 only")
	}
	all, e := s.engine.Run(s.ctx, "SELECT * FROM "+name(t.TableReference), nil, false)
	if e != nil {
		return nil, e
	}
	out := &bq.TableDataList{Kind: "bigquery#tableDataList", TotalRows: int64(len(all.Rows)), ForceSendFields: []string{"TotalRows"}}
	out.Rows, out.PageToken = page(r, all.Rows)
	return out, nil
}

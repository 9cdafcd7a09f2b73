package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
)

// bind sets the values a spec's condition reads and gives the condition.
func (x *session) bind(ctx context.Context, sp spec, r relation) (string, error) {
	var conds []string
	if sp.Column != "" {
		c, ok := r.column(sp.Column)
		if !ok {
			return "", problem.New(problem.FailedPrecondition, "column %q is gone from the table", sp.Column)
		}
		cast, err := castOf(c)
		if err != nil {
			return "", err
		}
		if sp.Lo != "" {
			if err := x.set(ctx, "b2brecs.lo", sp.Lo); err != nil {
				return "", err
			}
			conds = append(conds, quote(sp.Column)+" > "+bound(cast, "b2brecs.lo"))
		}
		if err := x.set(ctx, "b2brecs.hi", sp.Hi); err != nil {
			return "", err
		}
		conds = append(conds, quote(sp.Column)+" <= "+bound(cast, "b2brecs.hi"))
	}
	if sp.ByPages {
		conds = append(conds, fmt.Sprintf("ctid >= '(%d,0)'::tid", sp.FromPage))
		if sp.ToPage >= 0 {
			conds = append(conds, fmt.Sprintf("ctid < '(%d,0)'::tid", sp.ToPage))
		}
	}
	if sp.Key != "" {
		if sp.FromKey != nil {
			conds = append(conds, quote(sp.Key)+" >= "+strconv.FormatInt(*sp.FromKey, 10))
		}
		if sp.ToKey != nil {
			conds = append(conds, quote(sp.Key)+" < "+strconv.FormatInt(*sp.ToKey, 10))
		}
	}
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), nil
}

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, req source.ReadRequest, to source.Sink) (source.Stats, error) {
	var st source.Stats
	sp, err := specOf(req.Spec)
	if err != nil {
		return st, err
	}
	x, err := s.begin(ctx, req.Snapshot, readTimeout)
	if err != nil {
		return st, err
	}
	defer x.close()
	r, err := x.relation(ctx, req.Object)
	if err != nil {
		return st, err
	}
	where, err := x.bind(ctx, sp, r)
	if err != nil {
		return st, err
	}
	rd := &reader{batch: convert.NewBatch(to, req.Columns, nil), sink: to}
	defer rd.batch.Release()
	var exprs []string
	for i, want := range req.Columns {
		c, ok := r.column(want.Source)
		if !ok { // gone from the source: NULL
			rd.absent = append(rd.absent, i)
			continue
		}
		m := c.to(want)
		exprs = append(exprs, fmt.Sprintf(m.expr, quote(c.name)))
		rd.columns = append(rd.columns, i)
		rd.names = append(rd.names, want.Name)
		rd.maps = append(rd.maps, m)
	}
	if len(exprs) == 0 {
		return st, problem.New(problem.FailedPrecondition, "none of the job's columns is in %s.%s", req.Object.Schema, req.Object.Table)
	}
	p := &parser{columns: len(exprs), row: rd.row}
	tag, err := x.conn.PgConn().CopyTo(ctx, p, "COPY (SELECT "+strings.Join(exprs, ", ")+" FROM "+table(req.Object)+where+") TO STDOUT (FORMAT BINARY)")
	st = source.Stats{Rows: p.rows, Bytes: p.bytes, Nulled: rd.batch.Counts()}
	if rd.err != nil {
		return st, rd.err
	}
	if errors.Is(err, errCopy) || errors.Is(err, errLength) {
		return st, problem.Wrap(err, problem.Internal, "a row of %s.%s cannot be read", req.Object.Schema, req.Object.Table)
	}
	if err != nil {
		return st, s.problem(ctx, err, "read the table")
	}
	if err := rd.batch.Flush(); err != nil {
		return st, err
	}
	st.Rows = tag.RowsAffected() // the server's own count
	return st, nil
}

// reader turns rows of a COPY stream into batches.
type reader struct {
	batch   *convert.Batch
	sink    source.Sink
	columns []int // batch column of each field
	absent  []int
	names   []string
	maps    []mapping
	err     error // of the sink or of a value; pgx hides it
}

func (r *reader) row(fields [][]byte) error {
	var column, reason string
	for j, v := range fields {
		i := r.columns[j]
		if v == nil {
			r.batch.Null(i)
			continue
		}
		err := r.maps[j].decode(r.batch, i, v)
		if err == nil {
			continue
		}
		var m misfit
		if !errors.As(err, &m) {
			r.err = problem.Wrap(err, problem.Internal, "column %s cannot be read", r.names[j])
			return err
		}
		r.batch.Bad()
		if reason == "" {
			column, reason = r.names[j], m.reason
		}
	}
	for _, i := range r.absent {
		r.batch.Null(i)
	}
	if reason != "" {
		if r.err = r.sink.Reject(source.Reject{Row: r.show(fields), Reason: "column " + column + ": " + reason, Kind: kindOf(reason), Column: column}); r.err != nil {
			return r.err
		}
	}
	r.err = r.batch.EndRow()
	return r.err
}

// kindOf cuts the value off a reason: `"x" is not a number` is "not a number".
func kindOf(reason string) string {
	if i := strings.LastIndex(reason, `" is `); i >= 0 {
		reason = reason[i+5:]
	}
	kind, _, _ := strings.Cut(reason, ":")
	return kind
}

// show writes a rejected row for people.
func (r *reader) show(fields [][]byte) string {
	var b strings.Builder
	for j, v := range fields {
		if j > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.names[j] + "=")
		if v != nil {
			b.WriteString(r.maps[j].show(v))
		}
		if b.Len() > source.RejectBytes {
			break
		}
	}
	return strings.ToValidUTF8(b.String()[:min(b.Len(), source.RejectBytes)], "")
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

// Timestamps of watermarks have this form; integers are plain.
const watermarkLayout = "2006-01-02T15:04:05.000000Z"

// window fixes the bounds (Lo, Hi]. Hi is min(the server's clock − lag, the
// greatest value). A day that is not over is left out when its rows carry only the
// day: more of them may come. empty tells that nothing new is there.
func (x *session) window(ctx context.Context, req source.PlanRequest, r relation, p *source.Plan, base *spec) (empty bool, err error) {
	c, _ := r.column(req.TimeColumn)
	base.Column, base.Lo, base.Hi = req.TimeColumn, req.From, req.To
	p.To = req.To
	if c.nullFrac > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("rows without %s are never loaded", c.name))
	}
	cast, err := castOf(c)
	if err != nil {
		return false, err
	}
	if req.To == "" {
		if cast == "int8" {
			p.To, err = x.greatest(ctx, req, cast, "TRUE")
		} else {
			p.To, err = x.latest(ctx, req, c, cast)
		}
		if err != nil {
			return false, err
		}
	}
	if p.To == "" {
		p.To = req.From
		return true, nil
	}
	base.Hi = p.To
	return p.To == req.From, nil
}

// castOf gives the type that bounds of a watermark column are cast to.
func castOf(c catalogueColumn) (string, error) {
	switch c.base {
	case "timestamptz", "timestamp", "date":
		return c.base, nil
	case "int2", "int4", "int8":
		return "int8", nil
	}
	return "", problem.New(problem.InvalidArgument, "column %q of type %s cannot be a watermark", c.name, c.shown).
		WithNext(problem.TurnYou, "Choose a date, timestamp or integer column.")
}

// latest finds the greatest timestamp that may be read now.
func (x *session) latest(ctx context.Context, req source.PlanRequest, c catalogueColumn, cast string) (string, error) {
	lag := max(req.Lag, 0).Microseconds()
	var limit, midnight time.Time
	err := x.conn.QueryRow(ctx, `SELECT t, date_trunc('day', t) FROM (SELECT clock_timestamp() - $1::bigint * interval '1 microsecond' AS t) AS c`, lag).Scan(&limit, &midnight)
	if err != nil {
		return "", x.s.problem(ctx, err, "read the server's clock")
	}
	limit, midnight = limit.UTC(), midnight.UTC()
	if cast == "date" {
		limit = midnight.AddDate(0, 0, -1)
	}
	to, err := x.greatest(ctx, req, cast, "<= "+bound(cast, "b2brecs.limit"), limit)
	if err != nil || to != midnight.Format(watermarkLayout) {
		return to, err
	}
	// Exactly today's midnight: rows that carry only a day, and the day is not over.
	return x.greatest(ctx, req, cast, "< "+bound(cast, "b2brecs.limit"), midnight)
}

// bound reads a bound value inside a query. COPY takes no parameters; a setting
// of the transaction carries the value instead, so that it is never part of the SQL.
func bound(cast, setting string) string {
	return "current_setting('" + setting + "')::" + cast
}

func (x *session) greatest(ctx context.Context, req source.PlanRequest, cast, cond string, limit ...time.Time) (string, error) {
	col := quote(req.TimeColumn)
	where := col + " IS NOT NULL"
	if len(limit) > 0 {
		if err := x.set(ctx, "b2brecs.limit", limit[0].Format(watermarkLayout)); err != nil {
			return "", err
		}
		where = col + " " + cond
	}
	if cast != "int8" {
		where += " AND isfinite(" + col + ")"
	}
	if req.From != "" {
		if err := x.set(ctx, "b2brecs.lo", req.From); err != nil {
			return "", err
		}
		where += " AND " + col + " > " + bound(cast, "b2brecs.lo")
	}
	out := col + "::text"
	if cast != "int8" {
		out = "to_char(" + col + ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
	}
	var to *string
	// ORDER BY … LIMIT 1 walks an index backwards where there is one.
	err := x.conn.QueryRow(ctx, "SELECT "+out+" FROM "+table(req.Object)+" WHERE "+where+" ORDER BY "+col+" DESC LIMIT 1").Scan(&to)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", x.s.problem(ctx, err, "find the newest row")
	}
	return *to, nil
}

func (x *session) set(ctx context.Context, name, value string) error {
	_, err := x.conn.Exec(ctx, "SELECT set_config($1, $2, true)", name, value)
	return x.s.problem(ctx, err, "bind a value")
}

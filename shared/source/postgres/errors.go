package postgres

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

var snapshotID = regexp.MustCompile(`^[0-9A-Fa-f-]{1,64}$`)

func timeoutText(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// lost tells a snapshot that is gone from other failures.
func (s *Source) lost(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "22023" || pg.Code == "42704" || pg.Code == "55000" || pg.Code == "58P01") {
		return problem.Wrap(source.ErrSnapshotLost, problem.FailedPrecondition, "the snapshot of database %q is gone", s.database)
	}
	return s.problem(ctx, err, "read")
}

// problem explains a failure. What the server said may come through; addresses
// that name resolution gave, and credentials, do not.
func (s *Source) problem(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	var own *problem.Error
	if errors.As(err, &own) {
		return own
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return s.serverProblem(pg, doing)
	}
	var name *net.DNSError
	switch text := err.Error(); {
	case errors.As(err, &name) && name.IsNotFound:
		return problem.New(problem.Unavailable, "host %q has no address", s.host).
			WithNext(problem.TurnYou, "Check the host name.")
	case errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err):
		return problem.New(problem.Unavailable, "database %q on %s did not answer in time", s.database, s.host).
			WithNext(problem.TurnYou, "Check the host name and the firewall.")
	case strings.Contains(text, "server refused TLS"):
		return problem.New(problem.FailedPrecondition, "the server on %s does not offer TLS", s.host).
			WithNext(problem.TurnYou, "Turn TLS on at the server; on a private network TLS can be set to disable.")
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		return problem.New(problem.FailedPrecondition, "the TLS handshake with %s failed", s.host).WithCause("the server's certificate does not pass, or the server refuses ours").
			WithNext(problem.TurnYou, "Check the CA certificate and the TLS mode.")
	}
	return problem.New(problem.Unavailable, "the connection to database %q on %s broke", s.database, s.host).
		WithNext(problem.TurnSource, "Check that the server is up and lets this address in.")
}

func (s *Source) serverProblem(pg *pgconn.PgError, doing string) error {
	p := func(code problem.Code, turn problem.Turn, message, next string) error {
		e := problem.New(code, "%s", message).WithNext(turn, "%s", next)
		if pg.Message != "" {
			e = e.WithCause("%s", pg.Message)
		}
		return e
	}
	switch {
	case strings.HasPrefix(pg.Code, "28"):
		return p(problem.PermissionDenied, problem.TurnYou, "authentication at database "+strconv.Quote(s.database)+" failed", "Check user and password.")
	case pg.Code == "3D000":
		return p(problem.NotFound, problem.TurnYou, "there is no database "+strconv.Quote(s.database)+" on "+s.host, "Check the database's name.")
	case pg.Code == "42P01" || pg.Code == "3F000":
		return p(problem.NotFound, problem.TurnYou, "the table is gone from database "+strconv.Quote(s.database), "Choose another table.")
	case pg.Code == "42703":
		return p(problem.FailedPrecondition, problem.TurnYou, "a column is gone from the table", "Edit the job's columns.")
	case pg.Code == "42501":
		return p(problem.PermissionDenied, problem.TurnYou, "the user may not read this table", "Grant SELECT on it to the connection's user.")
	case pg.Code == "57014":
		return p(problem.Unavailable, problem.TurnSource, "database "+strconv.Quote(s.database)+" took too long", "Try again when the server is less busy.")
	case strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57"), strings.HasPrefix(pg.Code, "08"), pg.Code == "40001", strings.HasPrefix(pg.Code, "58"):
		return p(problem.Unavailable, problem.TurnSource, "database "+strconv.Quote(s.database)+" cannot serve us now", "It is tried again.")
	}
	return p(problem.FailedPrecondition, problem.TurnYou, "database "+strconv.Quote(s.database)+" refused to "+doing, "See the cause.")
}

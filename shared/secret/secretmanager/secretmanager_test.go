package secretmanager

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/secretmanager"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/secrettest"
)

const parent = "projects/acme-b2brecs/secrets/"

func start(t *testing.T) *fake.Server {
	t.Helper()
	s, err := fake.Start("", "acme-b2brecs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func store(t *testing.T, o Options) *secret.Store {
	t.Helper()
	o.Location, o.Installation = gcp.Location{Project: "acme-b2brecs", Region: "europe-west1"}, "acme"
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return secret.New(d)
}

// byHand is the official client, as a person at the console uses it.
func byHand(t *testing.T, s *fake.Server) *api.Client {
	t.Helper()
	c, err := api.NewClient(t.Context(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// states lists a secret's versions as "number state", newest first.
func states(t *testing.T, c *api.Client, id string) (out []string) {
	t.Helper()
	it := c.ListSecretVersions(t.Context(), &pb.ListSecretVersionsRequest{Parent: parent + id, PageSize: 2})
	for {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v.GetName()[strings.LastIndex(v.GetName(), "/")+1:]+" "+v.GetState().String())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *secret.Store, id, payload string) {
	t.Helper()
	if got, err := s.Get(t.Context(), id); err != nil || string(got) != payload {
		t.Fatalf("got %q, %v; want %q", got, err, payload)
	}
}

func TestConformance(t *testing.T) {
	secrettest.Run(t, func(t *testing.T) *secret.Store { return store(t, Options{Client: start(t).Options()}) })
}

func TestOptions(t *testing.T) {
	_, err := New(Options{InRegion: true, Installation: "Acme"})
	if !problem.Is(err, problem.InvalidArgument) || len(problem.Of(err).Fields) != 3 {
		t.Errorf("%+v", err)
	}
}

func TestWhereAndWhose(t *testing.T) {
	server := start(t)
	must(t, store(t, Options{Client: server.Options()}).Put(t.Context(), "anywhere", []byte("x")))
	must(t, store(t, Options{Client: server.Options(), InRegion: true}).Put(t.Context(), "region", []byte("x")))
	c := byHand(t, server)
	for id, region := range map[string]string{"anywhere": "", "region": "europe-west1"} {
		s, err := c.GetSecret(t.Context(), &pb.GetSecretRequest{Name: parent + id})
		must(t, err)
		if s.GetLabels()["b2brecs-installation"] != "acme" {
			t.Errorf("%s: labels %v", id, s.GetLabels())
		}
		if region == "" && s.GetReplication().GetAutomatic() == nil || region != "" && s.GetReplication().GetUserManaged().GetReplicas()[0].GetLocation() != region {
			t.Errorf("%s: %v", id, s.GetReplication())
		}
	}
}

func TestOldVersionsAreDestroyed(t *testing.T) {
	server := start(t)
	s, c := store(t, Options{Client: server.Options()}), byHand(t, server)
	for _, p := range []string{"1", "2", "3"} {
		must(t, s.Put(t.Context(), "a", []byte(p)))
	}
	if got := states(t, c, "a"); !slices.Equal(got, []string{"3 ENABLED", "2 DESTROYED", "1 DESTROYED"}) {
		t.Error(got)
	}
	v, err := c.GetSecretVersion(t.Context(), &pb.GetSecretVersionRequest{Name: parent + "a/versions/3"})
	if err != nil || !v.GetClientSpecifiedPayloadChecksum() {
		t.Errorf("%v, %v: stored without a checksum", v, err)
	}
}

// TestFailures fails every call of a Put, a Get and a Destroy, once before its
// effect and once after it, and repeats nothing itself.
func TestFailures(t *testing.T) {
	for _, method := range []string{"AddSecretVersion", "CreateSecret", "GetSecret", "UpdateSecret", "ListSecretVersions", "DestroySecretVersion", "AccessSecretVersion", "DeleteSecret"} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(method, " reply lost ", lost), func(t *testing.T) {
				t.Parallel()
				server := start(t)
				s, c := store(t, Options{Client: server.Options()}), byHand(t, server)
				var mu sync.Mutex
				failed := 0
				fail := func(m string, after bool) error {
					mu.Lock()
					defer mu.Unlock()
					if m == method && after == lost && failed == 0 {
						failed++
						return status.Error(codes.Unavailable, "on demand")
					}
					return nil
				}
				if method != "DestroySecretVersion" {
					server.Fail(fail)
				}
				must(t, s.Put(t.Context(), "a", []byte("old")))
				server.Fail(fail)
				must(t, s.Put(t.Context(), "a", []byte("new")))
				want(t, s, "a", "new")
				if got := states(t, c, "a"); len(got) < 2 || !strings.HasSuffix(got[0], " ENABLED") || slices.ContainsFunc(got[1:], func(v string) bool { return !strings.HasSuffix(v, " DESTROYED") }) {
					t.Errorf("versions %v", got)
				}
				must(t, s.Destroy(t.Context(), "a"))
				if _, err := s.Get(t.Context(), "a"); !problem.Is(err, problem.NotFound) {
					t.Error(err)
				}
				if failed != 1 {
					t.Errorf("%s failed %d times", method, failed)
				}
			})
		}
	}
}

// TestLateVersion: a version that arrives after its writer gave up is not live.
func TestLateVersion(t *testing.T) {
	server := start(t)
	s, c := store(t, Options{Client: server.Options()}), byHand(t, server)
	must(t, s.Put(t.Context(), "a", []byte("1")))
	late := func(payload string) {
		_, err := c.AddSecretVersion(t.Context(), &pb.AddSecretVersionRequest{Parent: parent + "a", Payload: &pb.SecretPayload{Data: []byte(payload)}})
		must(t, err)
	}
	late("given up")
	want(t, s, "a", "1")
	must(t, s.Put(t.Context(), "a", []byte("2")))
	late("given up again")
	want(t, s, "a", "2")
	if got := states(t, c, "a"); !slices.Equal(got, []string{"4 ENABLED", "3 ENABLED", "2 DESTROYED", "1 DESTROYED"}) {
		t.Error(got)
	}
}

// TestOvertaken: a slow writer does not move the alias back.
func TestOvertaken(t *testing.T) {
	server := start(t)
	slow, fast := store(t, Options{Client: server.Options()}), store(t, Options{Client: server.Options()})
	var passed atomic.Bool
	server.Fail(func(method string, after bool) error {
		if method == "GetSecret" && after && passed.CompareAndSwap(false, true) {
			return fast.Put(t.Context(), "a", []byte("fast")) // the slow one knows an etag that is old now
		}
		return nil
	})
	must(t, slow.Put(t.Context(), "a", []byte("slow")))
	want(t, slow, "a", "fast")
}

func TestChangedByHand(t *testing.T) {
	server := start(t)
	s, c := store(t, Options{Client: server.Options()}), byHand(t, server)
	must(t, s.Put(t.Context(), "a", []byte("1")))
	_, err := c.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: parent + "a/versions/1"})
	must(t, err)
	if _, err := s.Get(t.Context(), "a"); !problem.Is(err, problem.FailedPrecondition) || problem.Of(err).Next == "" {
		t.Errorf("disabled: %v", err)
	}
	_, err = c.DestroySecretVersion(t.Context(), &pb.DestroySecretVersionRequest{Name: parent + "a/versions/1"})
	must(t, err)
	if _, err := s.Get(t.Context(), "a"); !problem.Is(err, problem.Unavailable) || problem.Of(err).Next == "" {
		t.Errorf("destroyed: %v", err)
	}
	must(t, s.Put(t.Context(), "a", []byte("2")))
	want(t, s, "a", "2")
}

func TestProblems(t *testing.T) {
	server := start(t)
	s := store(t, Options{Client: server.Options()})
	must(t, s.Put(t.Context(), "a", []byte("1")))
	for code, want := range map[codes.Code]problem.Code{
		codes.PermissionDenied: problem.PermissionDenied, codes.Unauthenticated: problem.Unauthenticated, codes.Internal: problem.Internal,
		codes.InvalidArgument: problem.InvalidArgument, codes.Unavailable: problem.Unavailable,
	} {
		server.Fail(func(string, bool) error { return status.Error(code, "on demand") })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, get := s.Get(ctx, "a")
		for what, err := range map[string]error{"Get": get, "Put": s.Put(ctx, "a", []byte("2")), "Destroy": s.Destroy(ctx, "a")} {
			if got := problem.CodeOf(err); got != want {
				t.Errorf("%s answered %s: %s: %v", what, code, got, err)
			}
		}
		cancel()
	}
}

// TestDamage: what arrives otherwise than it was stored is not given out.
func TestDamage(t *testing.T) {
	server := start(t)
	damage := func(change func(*pb.SecretPayload)) *secret.Store {
		return store(t, Options{Client: append(server.Options(), option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				err := invoke(ctx, method, req, reply, cc, opts...)
				if r, ok := reply.(*pb.AccessSecretVersionResponse); ok && err == nil {
					change(r.Payload)
				}
				return err
			})))})
	}
	must(t, store(t, Options{Client: server.Options()}).Put(t.Context(), "a", []byte("payload")))
	for name, change := range map[string]func(*pb.SecretPayload){
		"a flipped bit": func(p *pb.SecretPayload) { p.Data[0] ^= 1 },
		"cut off":       func(p *pb.SecretPayload) { p.Data = nil },
		"no checksum":   func(p *pb.SecretPayload) { p.DataCrc32C = nil },
	} {
		if got, err := damage(change).Get(t.Context(), "a"); !problem.Is(err, problem.Unavailable) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestTellsNothing: a service, or something on the way, that says the payload back
// does not bring it into an error; the client's debug log stays off.
func TestTellsNothing(t *testing.T) {
	const payload = "hunter2-hunter2"
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	read, write, err := os.Pipe()
	must(t, err)
	logged := make(chan []byte)
	go func() {
		text, _ := io.ReadAll(read)
		logged <- text
	}()
	stderr := os.Stderr
	os.Stderr = write
	server := start(t)
	s := store(t, Options{Client: server.Options()})
	put := s.Put(t.Context(), "a", []byte(payload))
	got, get := s.Get(t.Context(), "a")
	os.Stderr = stderr
	must(t, write.Close())
	must(t, put)
	if text := <-logged; get != nil || string(got) != payload || tells(string(text), payload) {
		t.Errorf("%q, %v; logged %q", got, get, text)
	}
	for _, code := range []codes.Code{codes.InvalidArgument, codes.PermissionDenied, codes.Internal} {
		server.Fail(func(method string, _ bool) error {
			return status.Errorf(code, "%s: cannot use %s or %s", method, payload, base64.StdEncoding.EncodeToString([]byte(payload)))
		})
		err := s.Put(t.Context(), "a", []byte(payload))
		if err == nil || tells(fmt.Sprintf("%v %+v %#v", err, err, problem.Of(err)), payload) {
			t.Errorf("the error tells the payload: %v", err)
		}
	}
	server.Fail(nil)
	if err := s.Put(t.Context(), "a", []byte(empty)); !problem.Is(err, problem.InvalidArgument) || tells(err.Error(), empty) {
		t.Error(err)
	}
}

func tells(text, payload string) bool {
	return strings.Contains(text, payload) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(payload)))
}

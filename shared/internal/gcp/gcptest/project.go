package gcptest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// What the tests read. scripts/verify-cloud sets them all.
const (
	ProjectVar   = "B2BRECS_TEST_PROJECT"   // the id of a project for tests
	RegionVar    = "B2BRECS_TEST_REGION"    // e.g. europe-west4
	RunVar       = "B2BRECS_TEST_RUN"       // of NewRun; default: one for each process
	FirestoreVar = "B2BRECS_TEST_FIRESTORE" // a database with the suite's indexes; default: one is made, and deleted
	AccountVar   = "B2BRECS_TEST_ACCOUNT"   // the service account that signs, calls and runs components
	APIKeyVar    = "B2BRECS_TEST_API_KEY"   // of Identity Platform
	EmulatorsVar = "B2BRECS_TEST_EMULATORS" // SERVICE=ADDRESS,…: the services that are fakes
)

// cleaning is how long the removal of one thing may take; a database takes minutes.
const cleaning = 5 * time.Minute

// Project is a project to test in.
type Project struct {
	gcp.Location
	Run       string
	Firestore string // "" where there is none yet
	Account   string
	APIKey    string

	emulators map[string]string
}

var ownRun = sync.OnceValue(func() string { return NewRun(time.Now()) })

// Configured reports whether the environment names a project.
func Configured() bool { return os.Getenv(ProjectVar) != "" }

// Open gives the project that the environment names; without one, or without another
// variable that the test needs, the test is skipped.
func Open(t testing.TB, needs ...string) *Project {
	t.Helper()
	for _, v := range append([]string{ProjectVar, RegionVar}, needs...) {
		if os.Getenv(v) == "" {
			Missing(t, v+" is not set", "docs/verify-cloud.md says what it is")
		}
	}
	p := &Project{Location: gcp.Location{Project: os.Getenv(ProjectVar), Region: os.Getenv(RegionVar)}, Run: os.Getenv(RunVar),
		Firestore: os.Getenv(FirestoreVar), Account: os.Getenv(AccountVar), APIKey: os.Getenv(APIKeyVar), emulators: map[string]string{}}
	if p.Run == "" {
		p.Run = ownRun()
	}
	if _, _, ok := BegunRun(p.Run); !ok {
		t.Fatalf("%s is %q, no run's name", RunVar, p.Run)
	}
	for kv := range strings.SplitSeq(os.Getenv(EmulatorsVar), ",") {
		if service, address, ok := strings.Cut(kv, "="); ok {
			p.emulators[service] = address
		}
	}
	return p
}

// Missing skips a test whose precondition is not met, with what makes it.
func Missing(t testing.TB, why, next string) {
	t.Helper()
	t.Skipf("SKIPPED: %s; next: %s", why, next)
}

// Name gives a name of the run, e.g. of a topic.
func (p *Project) Name(s string) string { return Prefix + p.Run + "-" + s }

// Short is Name for at most so many characters: what does not fit becomes its digest.
func (p *Project) Short(s string, most int) string {
	if n := p.Name(s); len(n) <= most {
		return n
	}
	sum := sha256.Sum256([]byte(s))
	return p.Name(hex.EncodeToString(sum[:])[:min(64, most-len(p.Name("")))])
}

// Labels of what takes labels.
func (p *Project) Labels() map[string]string { return map[string]string{Label: p.Run} }

// Emulated reports whether a service is a fake.
func (p *Project) Emulated(service string) bool { return p.emulators[service] != "" }

// Client gives the options of a service's official client: none for Google itself.
func (p *Project) Client(service string) []option.ClientOption {
	return Client(p.emulators[service])
}

// Client gives the options that lead an official client to an address; "" is Google.
func Client(address string) []option.ClientOption {
	switch {
	case address == "":
		return nil
	case strings.Contains(address, "://"):
		return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication()}
	}
	return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
}

// Cleanup removes something at the end of a test. What is gone is no failure.
func (p *Project) Cleanup(t testing.TB, what string, remove func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleaning)
		defer cancel()
		if err := remove(ctx); err != nil && gcp.Code(err) != problem.NotFound && !problem.Is(err, problem.NotFound) {
			t.Errorf("%s is left behind: %v", what, err)
		}
	})
}

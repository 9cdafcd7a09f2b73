package pubsub_test

import (
	"os"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/eventstest"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	b := newBack(t)
	eventstest.Run(t, func(t *testing.T) *events.Bus { return b.bus(t) })
}

func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBack(t)
	if b.server != nil {
		// What is on its way to a consumer that stops comes again after the lease.
		b.server.Second = 100 * time.Millisecond
	}
	eventstest.Restart(t, func(t *testing.T, _ string) *events.Bus { return b.bus(t) })
}

// addressEnv tells the killed processes of TestCrash where the fake is.
const addressEnv = "B2BRECS_PUBSUB_FAKE"

func TestCrash(t *testing.T) {
	var b *back
	if gcptest.Configured() {
		t.Setenv(gcptest.RunVar, gcptest.Open(t).Run) // the killed processes are of the same run
		b = newBack(t)
	} else {
		if os.Getenv(addressEnv) == "" { // not one of the processes to be killed
			s := start(t)
			s.Second = 50 * time.Millisecond
			t.Setenv(addressEnv, s.Addr())
		}
		b = on(fake.Options(os.Getenv(addressEnv)))
	}
	eventstest.Crash(t, func(string) (*events.Bus, error) { return b.bus(t), nil })
}

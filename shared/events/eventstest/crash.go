package eventstest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
)

// crashEnv names the folder of a child process of Crash.
const crashEnv = "B2BRECS_EVENTSTEST_CRASH"

var crashTopic = events.Topic[payload]{Name: "crash", Type: "b2brecs.test.v1"}

// Crash kills a process that publishes and delivers, several times at random
// moments, and proves that every event whose Publish returned is handled. It runs
// the test binary again for the child, so it MUST be called from the top level of
// a test function. open opens the queue in a folder.
func Crash(t *testing.T, open func(dir string) (*events.Bus, error)) {
	if dir := os.Getenv(crashEnv); dir != "" {
		crashChild(t, dir, open)
		return
	}
	dir := t.TempDir()
	const kills = 5
	for round := range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
		cmd.Env = append(os.Environ(), crashEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "delivering" {
			t.Fatalf("round %d: the child said %q", round, lines.Text())
		}
		time.Sleep(20*time.Millisecond + rand.N(150*time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			t.Errorf("round %d: %s", round, lines.Text())
		}
		_ = cmd.Wait() // killed, as meant
	}

	bus, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(t, bus)
	subscribe(t, bus, events.Subscription{Name: "crash", Topic: crashTopic.Name, Concurrency: 4, Handler: crashHandler(dir, 0)})
	published := readLines(t, filepath.Join(dir, "published"))
	if len(published) < kills {
		t.Fatalf("only %d events were published", len(published))
	}
	eventually(t, "every published event handled", func() bool {
		handled := readLines(t, filepath.Join(dir, "handled"))
		for id := range published {
			if !handled[id] {
				time.Sleep(20 * time.Millisecond)
				return false
			}
		}
		return true
	})
	t.Logf("%d events published by %d killed processes, all handled", len(published), kills)
}

// crashChild publishes and handles until it is killed. What it did stands in two
// files, one short write per line: the kernel keeps them when the process dies.
func crashChild(t *testing.T, dir string, open func(dir string) (*events.Bus, error)) {
	bus, err := open(dir)
	if err != nil {
		fmt.Println("child cannot open:", err)
		return
	}
	if err := bus.Subscribe(events.Subscription{Name: "crash", Topic: crashTopic.Name, Concurrency: 4, Handler: crashHandler(dir, time.Millisecond)}); err != nil {
		fmt.Println("child cannot subscribe:", err)
		return
	}
	fmt.Println("delivering")
	f, err := os.OpenFile(filepath.Join(dir, "published"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	deadline := time.Now().Add(patience)
	for n := 0; time.Now().Before(deadline); n++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), n)
		if err := events.Publish(t.Context(), bus, crashTopic, id, "", payload{n}); err != nil {
			fmt.Println("child cannot publish:", err)
			return
		}
		fmt.Fprintln(f, id)
	}
}

func crashHandler(dir string, work time.Duration) events.Handler {
	return func(_ context.Context, m events.Message) error {
		time.Sleep(work)
		f, err := os.OpenFile(filepath.Join(dir, "handled"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, m.ID)
		return err
	}
}

func readLines(t *testing.T, path string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if id, whole := strings.CutSuffix(line, "\n"); whole {
			out[id] = true
		}
	}
	return out
}

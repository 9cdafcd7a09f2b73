package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/scripts/box/home"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
)

const (
	// measured is the function that takes a trainer's epochs into its experiment. Its
	// effect is small and real: one transaction of Firestore that reads the experiment and
	// its curves and writes both.
	measured = "harvest-progress"
	// peer is the topic, and the subscription, of the bare handler.
	peer = "bench-peer"
	// trainings of a round, with the epochs of a model config's default; the first ones
	// are not counted.
	trainings, warmTrainings, trainingEpochs = 520, 20, 10
	// patience for one event.
	patience = 30 * time.Second
)

// openBox starts a box of a part's own, and opens what its functions get.
func openBox(ctx context.Context, dir string, acknowledged func(string, *pubsubpb.PubsubMessage)) (*home.Box, *cloud.Platform, func() error, error) {
	b, err := home.Start(ctx, home.Options{Root: ".", Dir: dir, Unit: "bin/function", Acknowledged: acknowledged,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := b.Platform()
	if err != nil {
		return nil, nil, nil, errors.Join(err, b.Close())
	}
	return b, p, func() error { return errors.Join(p.Close(context.WithoutCancel(ctx)), b.Close()) }, nil
}

// acks lets publishers wait until a subscription is done with their events.
type acks struct{ waiting sync.Map } // subscription/event → chan time.Time

func (a *acks) heard(subscription string, m *pubsubpb.PubsubMessage) {
	if c, ok := a.waiting.LoadAndDelete(path.Base(subscription) + "/" + m.Attributes["ce-id"]); ok {
		c.(chan time.Time) <- time.Now() // it has room for one
	}
}

// send publishes an event and waits until it is acknowledged.
func (a *acks) send(ctx context.Context, bus *events.Bus, subscription string, m events.Message) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan time.Time, 1)
	a.waiting.Store(subscription+"/"+m.ID, done)
	start := time.Now()
	if err := bus.PublishMessages(ctx, m); err != nil {
		return 0, err
	}
	select {
	case at := <-done:
		return at.Sub(start), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s has not taken event %s: %w", subscription, m.ID, ctx.Err())
	}
}

// epochs sends the epochs of trainings to a subscription, so many trainings at once, in
// each an epoch when the one before is acknowledged. It gives the time each event took.
func (a *acks) epochs(ctx context.Context, bus *events.Bus, topic, subscription string, ids []string, atOnce int) (measure, []time.Duration, error) {
	took := make([][]time.Duration, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	start := time.Now()
	for i, id := range ids {
		g.Go(func() error {
			for n := range trainingEpochs {
				m, err := events.Encode(pipeline.TopicProgress, fmt.Sprintf("%s-%d", id, n+1), id, pipeline.Progress{Job: id, Task: "trainer", Time: time.Now().UTC(),
					Values: map[string]float64{"epoch": float64(n + 1), "epochs": trainingEpochs, "loss": 7 / float64(n+1), "val_recall@10": 0.01 * float64(n), "examples_per_second": 50_000},
					Labels: map[string]string{"project": "bench", "experiment": id}})
				if err != nil {
					return err
				}
				m.Topic = topic
				d, err := a.send(ctx, bus, subscription, m)
				if err != nil {
					return err
				}
				took[i] = append(took[i], d)
			}
			return nil
		})
	}
	err := g.Wait()
	all := slices.Concat(took...)
	return measure{Name: "events → " + subscription, Rows: int64(len(all)), Seconds: time.Since(start).Seconds()}, all, err
}

// benchCloudEvents sends events through the Pub/Sub of a box to a function, and to a
// handler that does nothing.
func benchCloudEvents(ctx context.Context, o options) (_ []measure, _ []bar, err error) {
	var a acks
	b, p, end, err := openBox(ctx, filepath.Join(o.dir, "cloud-events"), a.heard)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	bare := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
	})}
	go func() { _ = bare.Serve(l) }() // ends with Close
	defer bare.Close()
	broker, err := pubsub.New(pubsub.Options{Project: environment(b, "B2BRECS_PROJECT"), Client: brokerOptions(b)})
	if err != nil {
		return nil, nil, err
	}
	err = broker.Ensure(ctx, pubsub.Queue{Name: peer, Topic: peer, Push: "http://" + l.Addr().String()})
	if err = errors.Join(err, broker.Close(ctx)); err != nil {
		return nil, nil, err
	}
	atOnce := 1
	for _, f := range functions.Catalog() {
		if f.Name == measured {
			atOnce = f.Concurrency // what one instance takes at once
		}
	}

	var all []measure
	var rates, ratios, p50, p99 []float64
	for round := range o.rounds {
		ids, err := trained(ctx, p, round)
		if err != nil {
			return nil, nil, err
		}
		rate := map[string]float64{}
		for _, arm := range []struct{ topic, subscription string }{{peer, peer}, {pipeline.TopicProgress.Name, measured}} {
			if _, _, err := a.epochs(ctx, p.Events, arm.topic, arm.subscription, ids[:warmTrainings], atOnce); err != nil {
				return nil, nil, err
			}
			m, took, err := a.epochs(ctx, p.Events, arm.topic, arm.subscription, ids[warmTrainings:], atOnce)
			if err != nil {
				return nil, nil, err
			}
			slices.Sort(took)
			middle, late := milliseconds(took[len(took)/2]), milliseconds(took[len(took)*99/100])
			m.Note = fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", middle, late)
			m.Print()
			all = append(all, m)
			if rate[arm.subscription] = m.Rate(); arm.subscription == measured {
				p50, p99 = append(p50, middle), append(p99, late)
			}
		}
		rates, ratios = append(rates, rate[measured]), append(ratios, rate[measured]/rate[peer])
		if err := allTaken(ctx, p, ids); err != nil {
			return nil, nil, err
		}
	}
	what := fmt.Sprintf("event published → acknowledged after its effect, Google Cloud in a box, %d events to one process of %s, %d at once", (trainings-warmTrainings)*trainingEpochs, measured, atOnce)
	return all, []bar{
		{What: what + ", events/s", Values: rates, Unit: "/s", Least: limit(200)},
		{What: "the same against a bare net/http handler that answers 204 at once", Values: ratios},
		{What: "the same, p50", Values: p50, Unit: "ms"},
		{What: "the same, p99", Values: p99, Unit: "ms", Most: limit(50)},
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

// trained stores experiments whose trainers are to report.
func trained(ctx context.Context, p *cloud.Platform, round int) (ids []string, err error) {
	all := experiment.Of(p.State, "bench")
	for i := range trainings {
		e := experiment.Experiment{ID: fmt.Sprintf("e%d-%d", round, i), Number: int64(round*trainings + i + 1), Project: "bench", Status: experiment.Running,
			Settings: experiment.Settings{Epochs: trainingEpochs, BatchSize: 1024}, CreatedAt: time.Now().UTC()}
		for _, s := range experiment.Stages {
			e.Stages = append(e.Stages, experiment.Stage{Name: s, State: pipeline.Pending})
		}
		if err := all.Put(ctx, e.ID, e); err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

// allTaken looks for every epoch in its experiment's curves.
func allTaken(ctx context.Context, p *cloud.Platform, ids []string) error {
	for _, id := range ids {
		h, err := experiment.Histories(p.State, "bench").Get(ctx, id)
		if err != nil {
			return err
		}
		if len(h.Epochs) != trainingEpochs {
			return fmt.Errorf("events are lost: experiment %s has the epochs %v", id, h.Epochs)
		}
	}
	return nil
}

// environment reads a variable that the box gives its functions.
func environment(b *home.Box, name string) string {
	for _, kv := range b.Environment() {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// brokerOptions take the official client to the Pub/Sub of a box.
func brokerOptions(b *home.Box) []option.ClientOption {
	for pair := range strings.SplitSeq(environment(b, "B2BRECS_EMULATORS"), ",") {
		if address, ok := strings.CutPrefix(pair, "pubsub="); ok {
			return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
		}
	}
	return nil // New says what is missing
}

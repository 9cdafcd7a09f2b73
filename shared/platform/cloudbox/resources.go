package cloudbox

import (
	"context"
	"errors"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/cloudscheduler"
)

// maxDelivery is the longest acknowledgement deadline of Pub/Sub
// (https://cloud.google.com/pubsub/docs/lease-management).
const maxDelivery = 600 * time.Second

// maxAttempts end what a function could not even keep as a dead letter, which it does
// after events.MaxAttempts.
const maxAttempts = 10

// makeResources makes what Terraform makes of functions.json: topics with the pushed
// subscription of each function and its dead letters, and the schedules. Retries
// begin after 100 ms: whoever watches a box waits for them.
func (b *Box) makeResources(ctx context.Context) (err error) {
	bus, err := pubsub.New(pubsub.Options{Project: place.Project, Client: b.pubsub.Options()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close(ctx)) }()
	for _, topic := range b.topics {
		if err := bus.EnsureTopic(ctx, topic); err != nil {
			return err
		}
	}
	clock, err := cloudscheduler.New(cloudscheduler.Options{Location: place, FunctionsURL: b.functionsURL(), ServiceAccount: schedulerAccount,
		Client: []option.ClientOption{option.WithEndpoint(b.services["scheduler"]), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clock.Close()) }()
	schedules := schedule.New(clock)
	for _, f := range b.catalog {
		switch {
		case f.Kind == platform.Event:
			// The Functions Framework reads the topic from the address
			// (https://github.com/GoogleCloudPlatform/functions-framework-go).
			push := b.functionsURL() + "/" + f.Name + "/projects/" + place.Project + "/topics/" + f.source
			err = bus.Ensure(ctx, pubsub.Queue{Name: f.Name, Topic: f.source, Push: push, MinBackoff: 100 * time.Millisecond, MaxAttempts: maxAttempts,
				Timeout: min(f.timeout()+30*time.Second, maxDelivery)})
		case f.Cron != "":
			err = schedules.Put(ctx, schedule.Schedule{ID: "function-" + f.Name, Cron: f.Cron, TimeZone: "UTC", Function: f.Name})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

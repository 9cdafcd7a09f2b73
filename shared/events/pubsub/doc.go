// Package pubsub is the driver of events on Google Cloud Pub/Sub.
//
// The resources of a subscription "s" of topic "t", made by Terraform from
// functions.json, or by Ensure:
//
//	topic t               the product's events, as CloudEvents in binary mode
//	subscription s        pushed to a function, or pulled by Subscribe; its retry policy
//	                      is the back-off, its dead-letter policy names topic s.dead
//	topic s.dead          dead letters
//	subscription s.dead   holds them for 31 days; nobody consumes it
//
// Publish sends requests as they are called for, with no client-side buffer: it
// returns when the messages are durable, ctx bounds it, and a failure pauses no
// ordering key, so there is nothing to resume. The official client retries while the
// service is away; its repetition can publish twice. Order holds for publishers of one
// region (https://cloud.google.com/pubsub/docs/ordering).
//
// Functions get their events by push, see shared/events/cloudevent; they never call
// Subscribe. It is the streaming pull of a process that stays: tests, a cloud on one
// machine, a function run as a server. What a subscription holds is what was
// published after it was made; Ensure moves it to the beginning of its topic.
//
// Who retries: Pub/Sub, after the back-off of the subscription. Attempts are those it
// counts, and a message that was given back unhandled because a process stopped
// counts as one. While a message is retried, later ones of its ordering key wait.
// What a dead process held, and what was on its way to one that stopped, comes again
// after the lease of 20 seconds.
//
// Dead letters with a reason: a consumer publishes what failed for good to s.dead,
// with the reason, cut to 1024 bytes, as an attribute, and then acknowledges it. A
// pushed function does the same with Bury and answers 2xx. Without that a push that
// keeps failing leaves what Pub/Sub forwards to s.dead after the policy's attempts:
// the message and the count of its deliveries, while the reasons are in the logs.
//
// DeadLetters and Replay look by pulling s.dead and giving everything back: a look
// costs PeekWait, sees up to 1000 letters or 64 MiB, and misses what another process
// looks at in that moment; it can miss one that Pub/Sub is slow to give. Replay
// publishes to topic t, addressed to s: consumers of other subscriptions drop it,
// other pushed functions of the topic get it as a repeated event.
//
// It refuses to consume a subscription that keeps no order, or whose dead-letter policy
// is absent (Pub/Sub then counts no attempts) or gives up before the consumer; and to
// make resources by the way: Publish and Subscribe say NotFound.
package pubsub

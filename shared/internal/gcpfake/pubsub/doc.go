// Package pubsub is a fake of Google Cloud Pub/Sub: topics, subscriptions, pull,
// streaming pull, push, dead-letter and retry policies, ordering keys, topic
// retention and seek, over gRPC on loopback and in memory.
//
// It promises what Google documents and the client's own fake (pstest) does not do:
// attempts are counted per subscription, the retry policy delays, a forwarded dead
// letter carries its source's attributes, a subscription can be sought to before its
// creation, and a push subscription posts to its endpoint. Malformed names, values
// out of range, messages over the limits and unknown parents are the documented
// errors.
//
// Messages of one ordering key follow each other to one stream; a unary pull and a push
// get one of them at a time. One that comes again brings the outstanding ones after it
// along; those that were acknowledged already do not come again, as they might.
//
// It refuses, as Unimplemented, every setting it would otherwise ignore: filters,
// exactly-once delivery, schemas, snapshots, push with a token, updates.
package pubsub

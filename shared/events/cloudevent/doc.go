// Package cloudevent carries events.Message over HTTP: as a CloudEvent, in a
// Pub/Sub push, or as a Cloud Storage notification.
//
// It promises one decoder for every delivery a function can get, and that
// From(To(m)) is m. What it returns passes Message.Validate.
//
// It refuses what it does not know: a delivery that is none of these, another
// storage event than a finalized object, a bucket without a name in the product.
// The refusal is InvalidArgument, so a wrong delivery is not repeated.
//
//	delivery                                   recognised by
//	CloudEvent, binary or structured           CloudEvents headers or content type
//	Pub/Sub push with CloudEvents attributes   "message" in the body, attribute ce-type
//	the same through Eventarc                  type google.cloud.pubsub.topic.v1.messagePublished
//	Cloud Storage through Eventarc             type google.cloud.storage.object.v1.finalized
//	Cloud Storage through Pub/Sub              attribute eventType OBJECT_FINALIZE
//	any other Pub/Sub message                  "message" in the body; topic from source or subscription
package cloudevent

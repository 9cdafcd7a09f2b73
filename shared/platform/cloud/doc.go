// Package cloud bundles the platform on Google Cloud: Firestore for state,
// Pub/Sub for events, Cloud Storage for objects, BigQuery for the
// warehouse, Cloud Workflows, Vertex AI Pipelines, Cloud Scheduler, Secret Manager,
// and an OIDC issuer for identity.
//
// It promises one Open that either gives the whole bundle or a problem naming
// everything that stands in the way, and that nothing is dialled before a function
// uses it.
//
// It refuses a bundle with holes, and one of which some clients talk to emulators and
// others to Google.
package cloud

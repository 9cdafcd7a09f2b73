package cloud

import (
	"context"
	"strings"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// lacking names the APIs this build has no cloud driver for, with the service each
// driver is for.
var lacking = []struct{ api, service string }{
	{"state", "Firestore"},
	{"events", "Pub/Sub"},
	{"objects", "Cloud Storage"},
	{"warehouse", "BigQuery"},
	{"workflow", "Cloud Workflows"},
	{"pipeline", "Vertex AI Pipelines"},
	{"schedule", "Cloud Scheduler"},
	{"secret", "Secret Manager"},
	{"identity", "OIDC"},
}

// Open gives the bundle. While a driver is lacking it is FailedPrecondition, and
// the cause names every one.
func Open(context.Context) (*platform.Platform, error) {
	names := make([]string, len(lacking))
	for i, l := range lacking {
		names[i] = l.api + " (" + l.service + ")"
	}
	return nil, problem.New(problem.FailedPrecondition, "this build has no drivers for Google Cloud").
		WithCause("it lacks those of %s", strings.Join(names, ", ")).
		WithNext(problem.TurnYou, "Run the embedded platform: bin/b2brecs serve.")
}

// Buckets reads the environment variables B2BRECS_BUCKET_UPLOADS, …_STAGING and
// …_PIPELINES, which name the installation's buckets (their names are unique in
// the world), and gives the product's name of each. It is nil when none is set:
// then buckets go by the product's names. InvalidArgument when two of them are one.
func Buckets(getenv func(string) string) (map[string]string, error) {
	var out map[string]string
	for _, name := range []string{objects.Uploads, objects.Staging, objects.Pipelines} {
		variable := "B2BRECS_BUCKET_" + strings.ToUpper(name)
		bucket := getenv(variable)
		if bucket == "" {
			continue
		}
		if other := out[bucket]; other != "" {
			return nil, problem.New(problem.InvalidArgument, "%s names bucket %q, which is %s already", variable, bucket, other)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[bucket] = name
	}
	return out, nil
}

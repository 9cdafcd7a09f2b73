// Package leaving is a suite that makes a topic and forgets it: it fails, or hangs.
package leaving

import (
	"os"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
)

func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t)
	c, err := pubsub.NewClient(t.Context(), p.Project, p.Client("pubsub")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{p.Name("forgotten"), "kept"} {
		if _, err := c.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/" + p.Project + "/topics/" + n}); err != nil {
			t.Fatal(err)
		}
	}
	if f := os.Getenv("LEAVING_HANGS"); f != "" {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
	}
	t.Run("part", func(t *testing.T) { t.Error("as it is meant") })
}

func TestNothing(t *testing.T) { t.Skip("SKIPPED: there is nothing") }

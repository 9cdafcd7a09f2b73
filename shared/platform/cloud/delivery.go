package cloud

import (
	"net/http"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/schedule/cloudscheduler"
)

// Native makes the product's event of a message that a service of Google Cloud sent
// in its own words: an entry of the Vertex log sink says that a job changed. Other
// messages stay as they are. ok is false for a message that is about something else
// than this installation and is to be acknowledged.
func Native(m events.Message) (native events.Message, ok bool, err error) {
	if m.Topic == pipeline.LogTopic {
		return vertex.Noticed(m)
	}
	return m, true, nil
}

// Request gives requests of Google Cloud's services the headers that functions read:
// the planned time of a schedule.
func Request(next http.Handler) http.Handler { return cloudscheduler.Planned(next) }

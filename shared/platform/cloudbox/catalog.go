package cloudbox

import (
	"encoding/json"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// entry is a function as functions.json has it.
type entry struct {
	platform.Function
	TimeoutSeconds int      `json:"timeout_seconds"`
	Paths          []string `json:"paths"`
}

func (e entry) timeout() time.Duration { return time.Duration(e.TimeoutSeconds) * time.Second }

// topic is where a function's messages are published: for what the product hears from
// a log sink it is the sink's.
func (e entry) topic() string {
	if e.Topic == pipeline.TopicNoticed.Name {
		return vertex.LogTopic
	}
	return e.Topic
}

// alsoPublished are topics that exist with or without a subscription.
var alsoPublished = []string{etl.TopicRunEnded.Name, vertex.LogTopic}

func readCatalog(file []byte) ([]entry, error) {
	var doc struct {
		Functions []entry `json:"functions"`
	}
	if err := json.Unmarshal(file, &doc); err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "functions.json cannot be read")
	}
	if len(doc.Functions) == 0 {
		return nil, problem.New(problem.InvalidArgument, "functions.json lists no function")
	}
	return doc.Functions, nil
}

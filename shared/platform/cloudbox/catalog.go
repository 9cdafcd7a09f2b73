package cloudbox

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// entry is a function as functions.json has it.
type entry struct {
	platform.Function
	TimeoutSeconds int      `json:"timeout_seconds"`
	Paths          []string `json:"paths"`
	// source is where the function's messages are published: for what it hears in a
	// service's own words it is the service's topic.
	source string
}

func (e entry) timeout() time.Duration { return time.Duration(e.TimeoutSeconds) * time.Second }

// readCatalog reads functions.json. topics are those that exist with or without a
// subscription.
func readCatalog(file []byte) (catalog []entry, topics []string, err error) {
	var doc struct {
		Functions []entry `json:"functions"`
		Topics    struct {
			Native  map[string]string `json:"native"`
			Unheard []string          `json:"unheard"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(file, &doc); err != nil {
		return nil, nil, problem.Wrap(err, problem.InvalidArgument, "functions.json cannot be read")
	}
	if len(doc.Functions) == 0 {
		return nil, nil, problem.New(problem.InvalidArgument, "functions.json lists no function")
	}
	for i, f := range doc.Functions {
		doc.Functions[i].source = cmp.Or(doc.Topics.Native[f.Topic], f.Topic)
	}
	return doc.Functions, append(slices.Sorted(maps.Values(doc.Topics.Native)), doc.Topics.Unheard...), nil
}

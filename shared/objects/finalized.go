package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
)

// Finalized is the payload of the event that follows a completed write.
type Finalized struct {
	Bucket     string    `json:"bucket"`
	Key        string    `json:"key"`
	Generation string    `json:"generation"` // changes with every write of the key
	Size       int64     `json:"size"`       // bytes
	Time       time.Time `json:"time"`
}

// TopicFinalized is the topic of one bucket's finalize events.
func TopicFinalized(bucket string) events.Topic[Finalized] {
	return events.Topic[Finalized]{Name: "object-finalized-" + bucket, Type: "b2brecs.object.finalized.v1"}
}

// FinalizedMessage makes the event of one generation of an object, the same
// however often and by whomever it is announced.
func FinalizedMessage(f Finalized) (events.Message, error) {
	id := f.Bucket + "/" + f.Key + "@" + f.Generation
	if len(id) > 1000 { // an event's id holds 1024 bytes; the digest stands for a long key
		sum := sha256.Sum256([]byte(f.Key))
		id = f.Bucket + "/" + hex.EncodeToString(sum[:]) + "@" + f.Generation
	}
	return events.Encode(TopicFinalized(f.Bucket), id, "", f)
}

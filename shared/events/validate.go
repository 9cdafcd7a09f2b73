package events

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// MaxDataBytes is the largest payload: Eventarc delivers events up to 512 KB
	// (https://cloud.google.com/eventarc/docs/quotas), envelope included.
	MaxDataBytes = 500_000
	// maxNameBytes bounds ids and ordering keys; Pub/Sub's limit for ordering keys
	// and attribute values is 1024 (https://cloud.google.com/pubsub/quotas).
	maxNameBytes = 1024
)

var topicName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{2,199}$`)

func headerSafe(s string) bool {
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// Validate refuses messages that some driver could not carry.
func (m Message) Validate() error {
	bad := func(format string, args ...any) error {
		return problem.New(problem.InvalidArgument, format, args...)
	}
	switch {
	case !topicName.MatchString(m.Topic):
		return bad("%.100q is not a topic: a letter, then 2 to 199 letters, digits and hyphens", m.Topic)
	case m.ID == "":
		return bad("an event of %s needs an id", m.Topic)
	case len(m.ID) > maxNameBytes || len(m.Key) > maxNameBytes:
		return bad("the id or ordering key of an event of %s is longer than %d bytes", m.Topic, maxNameBytes)
	case !utf8.ValidString(m.ID) || !utf8.ValidString(m.Key):
		return bad("the id or ordering key of an event of %s is not text", m.Topic)
	case !headerSafe(m.ID) || !headerSafe(m.Key): // both travel in HTTP headers, which lose such characters
		return bad("the id or ordering key of an event of %s has a control character, or a space at an end", m.Topic)
	case m.Type == "":
		return bad("event %s of %s needs a type", m.ID, m.Topic)
	case len(m.Data) > MaxDataBytes:
		return bad("event %s of %s has %d bytes; an event carries at most %d", m.ID, m.Topic, len(m.Data), MaxDataBytes)
	case !json.Valid(m.Data):
		return bad("the payload of event %s of %s is not JSON", m.ID, m.Topic)
	}
	return nil
}

package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
)

// Notification announces one finalized generation as a Pub/Sub message
// (https://cloud.google.com/storage/docs/pubsub-notifications#format). The optional
// attribute overwroteGeneration is left out.
type Notification struct {
	ID         string // unique per server
	Attributes map[string]string
	Data       []byte // the object resource as JSON
	Time       time.Time
}

// Event gives the same announcement as Eventarc delivers it
// (https://cloud.google.com/eventarc/docs/cloudevents#cloud-storage).
func (n Notification) Event() ce.Event {
	e := ce.New()
	e.SetID(n.ID)
	e.SetType("google.cloud.storage.object.v1.finalized")
	e.SetSource("//storage.googleapis.com/projects/_/buckets/" + n.Attributes["bucketId"])
	e.SetSubject("objects/" + n.Attributes["objectId"])
	e.SetTime(n.Time)
	e.SetExtension("bucket", n.Attributes["bucketId"])
	e.SetDataContentType(ce.ApplicationJSON)
	e.DataEncoded = n.Data
	return e
}

// write lets the fake serve a request that may finalize an object, and announces it.
func (s *Server) write(reply *recorder, r *http.Request) {
	s.fake.HTTPHandler().ServeHTTP(reply, r)
	var o resource
	if reply.code != http.StatusOK || reply.header.Get("X-Http-Status-Code-Override") != "" || json.Unmarshal(reply.body.Bytes(), &o) != nil {
		return
	}
	data := reply.body.Bytes()
	if o.Kind == "storage#rewriteResponse" {
		data = o.Resource
		o = resource{}
		if json.Unmarshal(data, &o) != nil {
			return
		}
	}
	if o.Kind != "storage#object" || o.Generation == "" || o.Generation == "0" { // an upload that has begun has no generation yet
		return
	}
	reply.generation = o.Generation
	if s.opts.Notify != nil {
		// The object is in place: the writer's going away does not take it back.
		s.opts.Notify(context.WithoutCancel(r.Context()), s.notification(o, data))
	}
}

// resource is the part of an object resource that a notification names, or the
// frame of a copy's answer.
type resource struct {
	Kind       string          `json:"kind"`
	Bucket     string          `json:"bucket"`
	Name       string          `json:"name"`
	Generation string          `json:"generation"`
	Resource   json.RawMessage `json:"resource"`
}

func (s *Server) notification(o resource, data []byte) Notification {
	now := time.Now().UTC()
	return Notification{
		ID: strconv.FormatInt(s.sent.Add(1), 10), Data: bytes.Clone(data), Time: now,
		Attributes: map[string]string{
			"notificationConfig": "projects/_/buckets/" + o.Bucket + "/notificationConfigs/1",
			"eventType":          "OBJECT_FINALIZE",
			"payloadFormat":      "JSON_API_V1",
			"bucketId":           o.Bucket,
			"objectId":           o.Name,
			"objectGeneration":   o.Generation,
			"eventTime":          now.Format(time.RFC3339Nano),
		},
	}
}

// recorder keeps a reply until it is known what goes out.
type recorder struct {
	header     http.Header
	code       int
	body       bytes.Buffer
	generation string // of the object this request made
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// asXML turns the answer to a write into the XML API's: headers and no body
// (https://cloud.google.com/storage/docs/xml-api/put-object-upload).
func (r *recorder) asXML() {
	if r.code == http.StatusOK {
		r.body.Reset()
		r.header.Del("Content-Type")
		r.header.Set("X-Goog-Generation", r.generation)
	}
}

func (r *recorder) send(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header()[k] = v
	}
	w.WriteHeader(r.code)
	_, _ = w.Write(r.body.Bytes()) // a reader that went away is its own loss
}

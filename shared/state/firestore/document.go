package firestore

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Where documents are, and what they hold.
const (
	rootID  = "state"
	docsID  = "docs"
	notesID = "commits" // beside the root: no query and no watch sees it

	fieldCollection = "collection" // for watches
	fieldID         = "id"         // for descending order: Firestore has no such index of names
	fieldJSON       = "json"
	fieldMarks      = "marks"
	fieldNative     = "f"
)

const (
	// maxID is the longest id; maxIndexed is where Firestore cuts an indexed string
	// (https://firebase.google.com/docs/firestore/quotas).
	maxID      = 1500
	maxIndexed = 1500
	// fieldsRoom is what 1 MiB leaves for native fields beside the largest JSON, four
	// times the longest id (name, collection, id) and 250 bytes for the rest
	// (https://firebase.google.com/docs/firestore/storage-size).
	fieldsRoom = 1<<20 - state.MaxDocumentBytes - 4*maxID - 250
)

// escapes make a collection's path one id. No two paths meet.
var escapes = strings.NewReplacer("%", "%25", "/", "%2F")

// collectionID is the id of the Firestore document above a collection's documents.
func collectionID(collection string) (string, error) {
	id := escapes.Replace(collection)
	if strings.HasPrefix(id, "__") { // "__a/b/c__" is a path, "__a%2Fb%2Fc__" no id
		id = "%5F" + id[1:]
	}
	if len(id) > maxID {
		return "", problem.New(problem.InvalidArgument, "the collection %q has a path of %d bytes; at most %d fit", collection[:100]+"…", len(id), maxID)
	}
	return id, nil
}

// native is the path of a field's native value.
func native(field string) []string {
	return append([]string{fieldNative}, strings.Split(field, ".")...)
}

// encode makes the fields of a document.
func (d *Driver) encode(collection, id string, data, marks []byte) (map[string]*pb.Value, error) {
	if !utf8.Valid(data) {
		return nil, problem.New(problem.InvalidArgument, "%s/%s is not UTF-8", collection, id)
	}
	f := map[string]*pb.Value{}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "%s/%s is not a JSON object", collection, id)
	}
	for _, field := range d.fields {
		v, err := scalarAt(top, strings.Split(field, "."))
		if err != nil {
			return nil, problem.New(problem.InvalidArgument, "the field %s of %s/%s cannot be stored", field, collection, id).WithCause("%s", err)
		}
		if v != nil {
			put(f, strings.Split(field, "."), v)
		}
	}
	return map[string]*pb.Value{
		fieldCollection: text(collection),
		fieldID:         text(id),
		fieldJSON:       text(string(data)),
		fieldMarks:      {ValueType: &pb.Value_BytesValue{BytesValue: marks}},
		fieldNative:     mapOf(f),
	}, nil
}

func text(s string) *pb.Value { return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}} }

func mapOf(f map[string]*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: f}}}
}

func put(f map[string]*pb.Value, path []string, v *pb.Value) {
	for _, p := range path[:len(path)-1] {
		if f[p].GetMapValue() == nil {
			f[p] = mapOf(map[string]*pb.Value{})
		}
		f = f[p].GetMapValue().Fields
	}
	f[path[len(path)-1]] = v
}

// scalarAt gives the native value of a field: nil when it is absent, an object or an
// array, which no query sees.
func scalarAt(object map[string]json.RawMessage, path []string) (*pb.Value, error) {
	raw := bytes.TrimSpace(object[path[0]])
	if len(raw) == 0 || raw[0] == '[' {
		return nil, nil
	}
	if raw[0] == '{' {
		var inner map[string]json.RawMessage
		if len(path) == 1 {
			return nil, nil
		}
		if err := json.Unmarshal(raw, &inner); err != nil {
			return nil, err
		}
		return scalarAt(inner, path[1:])
	}
	if len(path) > 1 {
		return nil, nil
	}
	switch raw[0] {
	case 'n':
		return &pb.Value{ValueType: &pb.Value_NullValue{}}, nil
	case 't', 'f':
		return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: raw[0] == 't'}}, nil
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		if len(s) > maxIndexed {
			return nil, problem.New(problem.InvalidArgument, "queries use it, and it has %d bytes; at most %d are compared", len(s), maxIndexed)
		}
		return text(s), nil
	}
	// As Firestore compares integers and doubles exactly, each number keeps its kind.
	if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: i}}, nil
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, problem.New(problem.InvalidArgument, "%s is beyond a double", raw)
	}
	if x == 0 {
		x = 0 // JSON's -0.0 is 0
	}
	return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: x}}, nil
}

// documentOf is the stored document of a snapshot.
func documentOf(snap *firestore.DocumentSnapshot) (state.Document, error) {
	var w struct {
		Collection string `firestore:"collection"`
		JSON       string `firestore:"json"`
	}
	if err := snap.DataTo(&w); err != nil {
		return state.Document{}, problem.Wrap(err, problem.Internal, "%s cannot be read", snap.Ref.Path)
	}
	if w.Collection == "" || w.JSON == "" {
		return state.Document{}, problem.New(problem.Internal, "%s was not written by this product", snap.Ref.Path)
	}
	return state.Document{Collection: w.Collection, ID: snap.Ref.ID, Data: []byte(w.JSON), Version: snap.UpdateTime.UnixMicro()}, nil
}

// stored is the stored document of what the service sends.
func stored(doc *pb.Document, collection, id string) (state.Document, error) {
	data := doc.GetFields()[fieldJSON].GetStringValue()
	if data == "" {
		return state.Document{}, problem.New(problem.Internal, "%s was not written by this product", doc.GetName())
	}
	return state.Document{Collection: collection, ID: id, Data: []byte(data), Version: doc.GetUpdateTime().AsTime().UnixMicro()}, nil
}

package firestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	raw "cloud.google.com/go/firestore/apiv1"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	markBytes = 8 // two marks of one document's last eight never meet by chance
	keptMarks = 8
)

// tx implements state.DriverTx.
type tx struct {
	d      *Driver
	client *raw.Client
	ctx    context.Context
	id     []byte
	mark   []byte
	marks  map[string][]byte // of the documents read, newest first
	writes []*pb.Write
}

// Transact implements state.Driver. A panic of fn ends the transaction and goes on.
func (d *Driver) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	if err := d.open(); err != nil {
		return err
	}
	c, err := d.commits.Get(ctx)
	if err != nil {
		return err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "google-cloud-resource-prefix", d.database) // as the client above sends it
	begun, err := c.BeginTransaction(ctx, &pb.BeginTransactionRequest{Database: d.database})
	if err != nil {
		return problemOf(err, "begin a transaction")
	}
	x := &tx{d: d, client: c, ctx: ctx, id: begun.Transaction, mark: make([]byte, markBytes), marks: map[string][]byte{}}
	_, _ = rand.Read(x.mark) // never fails
	ended := false
	defer func() {
		if !ended {
			x.rollback()
		}
	}()
	if err := fn(x); err != nil {
		return err
	}
	_, err = c.Commit(ctx, &pb.CommitRequest{Database: d.database, Writes: x.writes, Transaction: x.id})
	switch status.Code(err) {
	case codes.OK:
		ended = true
		return nil
	case codes.Aborted, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.PermissionDenied, codes.Unauthenticated, codes.ResourceExhausted:
		// Answers, and as a commit is sent once they are about this one: nothing was written.
		ended = status.Code(err) == codes.Aborted
		return problemOf(err, "commit a transaction")
	}
	ended = true
	return x.resolve(err)
}

// rollback lets go of what the transaction has locked, though its caller be gone.
func (x *tx) rollback() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), 5*time.Second)
	defer cancel()
	// A failure is left to Firestore, which ends an idle transaction after a minute.
	_ = x.client.Rollback(ctx, &pb.RollbackRequest{Database: x.d.database, Transaction: x.id})
}

// resolve finds out what became of a commit without an answer. The rollback comes
// first: after it the commit cannot come late.
func (x *tx) resolve(lost error) error {
	x.rollback()
	err := problemOf(lost, "commit a transaction")
	if len(x.writes) == 0 || x.ctx.Err() != nil {
		return err
	}
	for _, w := range x.writes {
		if w.GetUpdate() == nil {
			continue
		}
		doc, readErr := x.look(w.GetUpdate().Name)
		if readErr != nil {
			return problem.Wrap(lost, problem.Internal, "the outcome of a transaction on %s is unknown", w.GetUpdate().Name)
		}
		if marked(doc.GetFields()[fieldMarks].GetBytesValue(), x.mark) {
			return nil
		}
	}
	return err
}

// look reads outside of the transaction, and again for three seconds: much hangs on it.
func (x *tx) look(name string) (*pb.Document, error) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		doc, err := x.read(name, nil)
		if err == nil || wait > 1600*time.Millisecond {
			return doc, err
		}
		select {
		case <-x.ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
	}
}

func marked(marks, mark []byte) bool {
	for ; len(marks) >= markBytes; marks = marks[markBytes:] {
		if bytes.Equal(marks[:markBytes], mark) {
			return true
		}
	}
	return false
}

// read gives a document, nil when there is none; id is the transaction or nil.
func (x *tx) read(name string, id []byte) (*pb.Document, error) {
	req := &pb.BatchGetDocumentsRequest{Database: x.d.database, Documents: []string{name}}
	if id != nil {
		req.ConsistencySelector = &pb.BatchGetDocumentsRequest_Transaction{Transaction: id}
	}
	stream, err := x.client.BatchGetDocuments(x.ctx, req)
	if err != nil {
		return nil, err
	}
	var doc *pb.Document
	answered := false
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) && answered {
			return doc, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, status.Error(codes.Unavailable, "the answer has no document")
		}
		if err != nil {
			return nil, err
		}
		if resp.Result != nil {
			doc, answered = resp.GetFound(), true
		}
	}
}

func (x *tx) name(collection, id string) (string, error) {
	c, err := collectionID(collection)
	return x.d.database + "/documents/" + rootID + "/" + c + "/" + docsID + "/" + id, err
}

func (x *tx) Get(collection, id string) (state.Document, error) {
	name, err := x.name(collection, id)
	if err != nil {
		return state.Document{}, err
	}
	doc, err := x.read(name, x.id)
	if err != nil {
		return state.Document{}, problemOf(err, "read %s/%s", collection, id)
	}
	if doc == nil {
		return state.Document{}, notFound(collection, id)
	}
	x.marks[name] = doc.Fields[fieldMarks].GetBytesValue()
	data := doc.Fields[fieldJSON].GetStringValue()
	if data == "" {
		return state.Document{}, problem.New(problem.Internal, "%s was not written by this product", name)
	}
	return state.Document{Collection: collection, ID: id, Data: []byte(data), Version: doc.UpdateTime.AsTime().UnixMicro()}, nil
}

func (x *tx) Put(collection, id string, data []byte) error {
	name, err := x.name(collection, id)
	if err != nil {
		return err
	}
	marks := append(bytes.Clone(x.mark), x.marks[name]...)
	fields, err := x.d.encode(collection, id, data, marks[:min(len(marks), markBytes*keptMarks)])
	if err != nil {
		return err
	}
	x.writes = append(x.writes, &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: name, Fields: fields}}})
	return nil
}

func (x *tx) Delete(collection, id string) error {
	name, err := x.name(collection, id)
	if err != nil {
		return err
	}
	x.writes = append(x.writes, &pb.Write{Operation: &pb.Write_Delete{Delete: name}})
	return nil
}

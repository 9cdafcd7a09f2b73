package firestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
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
	read   bool              // whether anything was, found or not
	writes []*pb.Write
}

// Transact implements state.Driver. A panic of fn ends the transaction and goes on.
func (d *Driver) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	if err := d.open(); err != nil {
		return err
	}
	c, err := d.rpc.Get(ctx)
	if err != nil {
		return err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "google-cloud-resource-prefix", d.database) // as the client above sends it
	begun, err := c.BeginTransaction(ctx, &pb.BeginTransactionRequest{Database: d.database})
	if err != nil {
		return problemOf(ctx, err, "begin a transaction")
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
	note := x.leaveNote()
	_, err = c.Commit(ctx, &pb.CommitRequest{Database: d.database, Writes: x.writes, Transaction: x.id})
	switch status.Code(err) {
	case codes.OK:
		ended = true
		x.takeNote(note)
		return nil
	case codes.Aborted, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.PermissionDenied, codes.Unauthenticated, codes.ResourceExhausted:
		// Answers, and as a commit is sent once they are about this one: nothing was written.
		ended = status.Code(err) == codes.Aborted
		return problemOf(ctx, err, "commit a transaction")
	}
	ended = true
	if err := x.resolve(err); err != nil {
		return err
	}
	x.takeNote(note)
	return nil
}

// leaveNote adds a document for the mark to a commit that would leave none: one that
// reads and then only deletes. What fn read is not there a second time, so a commit
// whose answer is lost must be found. Deletes without a read need no note: they say the
// same whenever they are repeated.
func (x *tx) leaveNote() (name string) {
	if !x.read || len(x.writes) == 0 || slices.ContainsFunc(x.writes, func(w *pb.Write) bool { return w.GetUpdate() != nil }) {
		return ""
	}
	name = x.d.documents() + "/" + notesID + "/" + hex.EncodeToString(x.mark)
	fields := map[string]*pb.Value{fieldMarks: {ValueType: &pb.Value_BytesValue{BytesValue: x.mark}}}
	x.writes = append(x.writes, &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: name, Fields: fields}}})
	return name
}

// takeNote removes it when the commit is known. A failure leaves a document of some
// bytes that nobody reads.
func (x *tx) takeNote(name string) {
	if name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), 5*time.Second)
	defer cancel()
	_, _ = x.client.Commit(ctx, &pb.CommitRequest{Database: x.d.database, Writes: []*pb.Write{{Operation: &pb.Write_Delete{Delete: name}}}})
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
	err := problemOf(x.ctx, lost, "commit a transaction")
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
		doc, _, err := x.d.read(x.ctx, x.client, name, nil)
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

func (x *tx) Get(collection, id string) (state.Document, error) {
	name, err := x.d.name(collection, id)
	if err != nil {
		return state.Document{}, err
	}
	x.read = true
	doc, _, err := x.d.read(x.ctx, x.client, name, x.id)
	if err != nil {
		return state.Document{}, problemOf(x.ctx, err, "read %s/%s", collection, id)
	}
	if doc == nil {
		return state.Document{}, notFound(collection, id)
	}
	x.marks[name] = doc.Fields[fieldMarks].GetBytesValue()
	return stored(doc, collection, id)
}

func (x *tx) Put(collection, id string, data []byte) error {
	name, err := x.d.name(collection, id)
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
	name, err := x.d.name(collection, id)
	if err != nil {
		return err
	}
	x.writes = append(x.writes, &pb.Write{Operation: &pb.Write_Delete{Delete: name}})
	return nil
}

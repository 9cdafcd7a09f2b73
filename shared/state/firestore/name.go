package firestore

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"

	raw "cloud.google.com/go/firestore/apiv1"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// name is the full name of a document.
func (d *Driver) name(collection, id string) (string, error) {
	c, err := collectionID(collection)
	return d.documents() + "/" + rootID + "/" + c + "/" + docsID + "/" + id, err
}

// parse is the inverse of name.
func (d *Driver) parse(name string) (collection, id string, err error) {
	rest, ok := strings.CutPrefix(name, d.documents()+"/"+rootID+"/")
	parts := strings.Split(rest, "/")
	if ok && len(parts) == 3 && parts[1] == docsID {
		if collection, err = url.PathUnescape(parts[0]); err == nil { // the inverse of collectionID
			return collection, parts[2], nil
		}
	}
	return "", "", problem.New(problem.Internal, "%s was not written by this product", name)
}

// read gives a document, nil when there is none, and when that was so; tx is a
// transaction or nil.
func (d *Driver) read(ctx context.Context, c *raw.Client, name string, tx []byte) (*pb.Document, *timestamppb.Timestamp, error) {
	req := &pb.BatchGetDocumentsRequest{Database: d.database, Documents: []string{name}}
	if tx != nil {
		req.ConsistencySelector = &pb.BatchGetDocumentsRequest_Transaction{Transaction: tx}
	}
	stream, err := c.BatchGetDocuments(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	var doc *pb.Document
	var at *timestamppb.Timestamp
	answered := false
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) && answered {
			return doc, at, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, nil, status.Error(codes.Unavailable, "the answer has no document")
		}
		if err != nil {
			return nil, nil, err
		}
		if resp.Result != nil {
			doc, at, answered = resp.GetFound(), resp.ReadTime, true
		}
	}
}

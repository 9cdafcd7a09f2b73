package firestore

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// BatchGetDocuments implements the call. All documents are of one moment.
func (s *Server) BatchGetDocuments(req *pb.BatchGetDocumentsRequest, out pb.Firestore_BatchGetDocumentsServer) error {
	answers, err := s.batchGet(req)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if err := out.Send(a); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) batchGet(req *pb.BatchGetDocumentsRequest) ([]*pb.BatchGetDocumentsResponse, error) {
	if err := checkDatabase(s, req.Database); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var t *tx
	switch c := req.ConsistencySelector.(type) {
	case nil:
	case *pb.BatchGetDocumentsRequest_Transaction:
		var err error
		if t, err = s.tx(c.Transaction); err != nil {
			return nil, err
		}
	default:
		return nil, absent("reads in the past or in a new transaction")
	}
	if req.Mask != nil {
		return nil, absent("field masks")
	}
	var answers []*pb.BatchGetDocumentsResponse
	for _, name := range req.Documents {
		if err := checkName(s, name); err != nil {
			return nil, err
		}
		a := &pb.BatchGetDocumentsResponse{ReadTime: stamp(s.clock), Result: &pb.BatchGetDocumentsResponse_Missing{Missing: name}}
		if d := s.get(name); d != nil {
			a.Result = &pb.BatchGetDocumentsResponse_Found{Found: d.proto()}
		}
		answers = append(answers, a)
		if t == nil {
			continue
		}
		if _, again := t.reads[name]; !again {
			t.reads[name] = s.version(name)
		}
	}
	if t != nil { // what a transaction reads is of one moment, or it ends here
		if err := s.fresh(t); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// BeginTransaction implements the call.
func (s *Server) BeginTransaction(_ context.Context, req *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	if err := checkDatabase(s, req.Database); err != nil {
		return nil, err
	}
	ro := req.Options.GetReadOnly()
	if ro.GetConsistencySelector() != nil {
		return nil, absent("reads in the past")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.BeginTransactionResponse{Transaction: s.begin(ro != nil)}, nil
}

// Commit implements the call. It ends the transaction, whatever comes of it.
func (s *Server) Commit(_ context.Context, req *pb.CommitRequest) (*pb.CommitResponse, error) {
	if err := checkDatabase(s, req.Database); err != nil {
		return nil, err
	}
	if proto.Size(req) > maxRequest {
		return nil, invalid("Transaction too big. Decrease transaction size.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var t *tx
	if len(req.Transaction) > 0 {
		var err error
		if t, err = s.tx(req.Transaction); err != nil {
			return nil, err
		}
		defer s.end(req.Transaction)
	}
	if s.locks {
		var names []string
		for _, w := range req.Writes {
			names = append(names, w.GetUpdate().GetName()+w.GetDelete()) // one of the two
		}
		if err := s.lock(t, names); err != nil {
			return nil, err
		}
		if t != nil && s.txs[string(req.Transaction)] != t {
			return nil, expired() // rolled back while it waited
		}
	}
	if t != nil {
		if t.readOnly && len(req.Writes) > 0 {
			return nil, invalid("Cannot modify entities in a read-only transaction.")
		}
		if err := s.fresh(t); err != nil {
			return nil, err
		}
	}
	now, st := s.tick(), staged{}
	resp := &pb.CommitResponse{CommitTime: stamp(now)}
	for _, w := range req.Writes {
		if err := s.stage(st, w, now); err != nil {
			return nil, err
		}
		r := &pb.WriteResult{}
		if u := w.GetUpdate(); u != nil {
			r.UpdateTime = stamp(st[u.Name].updated)
		}
		resp.WriteResults = append(resp.WriteResults, r)
	}
	s.apply(st)
	return resp, nil
}

// Rollback implements the call.
func (s *Server) Rollback(_ context.Context, req *pb.RollbackRequest) (*emptypb.Empty, error) {
	if err := checkDatabase(s, req.Database); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.tx(req.Transaction); err != nil {
		return nil, err
	}
	s.end(req.Transaction)
	return &emptypb.Empty{}, nil
}

// Transactions is the number of open ones: what was begun is to be ended.
func (s *Server) Transactions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.txs)
}

// Documents is the number of stored ones.
func (s *Server) Documents() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, docs := range s.collections {
		n += len(docs)
	}
	return n
}

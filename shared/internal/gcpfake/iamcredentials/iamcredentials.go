// Package iamcredentials is an IAM Service Account Credentials API in the process, over
// gRPC: it signs as the accounts it was started with, each with a key of its own.
//
// It promises signBlob as the service documents it: the project of a name is a hyphen,
// a payload is required, an account that is not there is denied like one that may not
// be used, and the signature is RSA with SHA-256.
//
// It refuses, as Unimplemented, the other methods and delegates; nothing here uses them.
package iamcredentials

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	pb "cloud.google.com/go/iam/credentials/apiv1/credentialspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
)

// Server is a running fake.
type Server struct {
	*rpc.Server
	keys map[string]*rsa.PrivateKey // by the account's e-mail address
}

// Start starts a server on a loopback address, "" for a free port, that signs as the
// accounts.
func Start(address string, accounts ...string) (*Server, error) {
	s := &Server{keys: map[string]*rsa.PrivateKey{}}
	for _, a := range accounts {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		s.keys[a] = key
	}
	var err error
	s.Server, err = rpc.Serve(address, func(g *grpc.Server) { pb.RegisterIAMCredentialsServer(g, &service{keys: s.keys}) })
	return s, err
}

// Public gives the accounts' public keys, by e-mail address.
func (s *Server) Public() map[string]*rsa.PublicKey {
	out := map[string]*rsa.PublicKey{}
	for a, k := range s.keys {
		out[a] = &k.PublicKey
	}
	return out
}

type service struct {
	pb.UnimplementedIAMCredentialsServer
	keys map[string]*rsa.PrivateKey
}

// SignBlob implements the service
// (https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob).
func (s *service) SignBlob(_ context.Context, r *pb.SignBlobRequest) (*pb.SignBlobResponse, error) {
	account, ok := strings.CutPrefix(r.GetName(), "projects/-/serviceAccounts/")
	switch key := s.keys[account]; {
	case !ok || account == "":
		return nil, status.Errorf(codes.InvalidArgument, "Invalid form of account ID %s. Should be [Gaia ID |Email |Unique ID |] of the account", r.GetName())
	case len(r.GetPayload()) == 0:
		return nil, status.Error(codes.InvalidArgument, "The payload is required.")
	case len(r.GetDelegates()) > 0:
		return nil, status.Error(codes.Unimplemented, "nobody delegates here")
	case key == nil:
		return nil, status.Error(codes.PermissionDenied, "Permission 'iam.serviceAccounts.signBlob' denied on resource (or it may not exist).")
	default:
		sum := sha256.Sum256(r.GetPayload())
		signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		id := sha256.Sum256(key.N.Bytes())
		return &pb.SignBlobResponse{KeyId: hex.EncodeToString(id[:20]), SignedBlob: signed}, nil
	}
}

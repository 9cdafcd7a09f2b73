package iamcredentials

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	credentials "cloud.google.com/go/iam/credentials/apiv1"
	pb "cloud.google.com/go/iam/credentials/apiv1/credentialspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestSignBlob(t *testing.T) {
	const account = "etl-api@acme.iam.gserviceaccount.com"
	s, err := Start("", account)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := credentials.NewIamCredentialsClient(t.Context(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	payload := []byte("to be signed")
	reply, err := c.SignBlob(t.Context(), &pb.SignBlobRequest{Name: "projects/-/serviceAccounts/" + account, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(payload)
	if err := rsa.VerifyPKCS1v15(s.Public()[account], crypto.SHA256, sum[:], reply.GetSignedBlob()); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		r    *pb.SignBlobRequest
		want codes.Code
	}{
		"a project's name":  {&pb.SignBlobRequest{Name: "projects/acme/serviceAccounts/" + account, Payload: payload}, codes.InvalidArgument},
		"no account":        {&pb.SignBlobRequest{Name: "projects/-/serviceAccounts/", Payload: payload}, codes.InvalidArgument},
		"no payload":        {&pb.SignBlobRequest{Name: "projects/-/serviceAccounts/" + account}, codes.InvalidArgument},
		"somebody else":     {&pb.SignBlobRequest{Name: "projects/-/serviceAccounts/x@y", Payload: payload}, codes.PermissionDenied},
		"through delegates": {&pb.SignBlobRequest{Name: "projects/-/serviceAccounts/" + account, Payload: payload, Delegates: []string{"x"}}, codes.Unimplemented},
	} {
		_, err := (&service{keys: s.keys}).SignBlob(t.Context(), c.r)
		if status.Code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

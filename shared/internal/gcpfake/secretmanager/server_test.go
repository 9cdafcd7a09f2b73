package secretmanager

import (
	"context"
	"strings"
	"testing"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const project = "projects/acme-b2brecs"

func automatic() *pb.Replication {
	return &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}}
}

func client(t *testing.T) *api.Client {
	t.Helper()
	s, err := Start("", "acme-b2brecs")
	if err != nil {
		t.Fatal(err)
	}
	c, err := api.NewClient(t.Context(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestStrict: what the service refuses is refused, with its code.
func TestStrict(t *testing.T) {
	c, ctx := client(t), t.Context()
	if _, err := c.CreateSecret(ctx, &pb.CreateSecretRequest{Parent: project, SecretId: "a", Secret: &pb.Secret{Replication: automatic()}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.AddSecretVersion(ctx, &pb.AddSecretVersionRequest{Parent: project + "/secrets/a", Payload: &pb.SecretPayload{Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DestroySecretVersion(ctx, &pb.DestroySecretVersionRequest{Name: project + "/secrets/a/versions/1"}); err != nil {
		t.Fatal(err)
	}
	create := func(parent, id string, s *pb.Secret) func() error {
		return func() error {
			_, err := c.CreateSecret(ctx, &pb.CreateSecretRequest{Parent: parent, SecretId: id, Secret: s})
			return err
		}
	}
	add := func(parent string, p *pb.SecretPayload) func() error {
		return func() error {
			_, err := c.AddSecretVersion(ctx, &pb.AddSecretVersionRequest{Parent: parent, Payload: p})
			return err
		}
	}
	alias := func(etag string, paths []string, aliases map[string]int64) func() error {
		return func() error {
			_, err := c.UpdateSecret(ctx, &pb.UpdateSecretRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
				Secret: &pb.Secret{Name: project + "/secrets/a", Etag: etag, VersionAliases: aliases}})
			return err
		}
	}
	destroy := func(name, etag string) func() error {
		return func() error {
			_, err := c.DestroySecretVersion(ctx, &pb.DestroySecretVersionRequest{Name: name, Etag: etag})
			return err
		}
	}
	list := func(filter, token string, size int32) func() error {
		return func() error {
			it := c.ListSecretVersions(ctx, &pb.ListSecretVersionsRequest{Parent: project + "/secrets/a", Filter: filter, PageToken: token, PageSize: size})
			_, err := it.Next()
			return err
		}
	}
	wrong := int64(1)
	mask := []string{"version_aliases"}
	labelled := func(k, v string) *pb.Secret {
		return &pb.Secret{Replication: automatic(), Labels: map[string]string{k: v}}
	}
	for name, tc := range map[string]struct {
		call func() error
		want codes.Code
	}{
		"a parent that is no project":  {create("acme-b2brecs", "b", &pb.Secret{Replication: automatic()}), codes.InvalidArgument},
		"another project":              {create("projects/other-project", "b", &pb.Secret{Replication: automatic()}), codes.PermissionDenied},
		"an id with a dot":             {create(project, "a.b", &pb.Secret{Replication: automatic()}), codes.InvalidArgument},
		"an id of 256":                 {create(project, strings.Repeat("a", 256), &pb.Secret{Replication: automatic()}), codes.InvalidArgument},
		"no secret":                    {create(project, "b", nil), codes.InvalidArgument},
		"no replication":               {create(project, "b", &pb.Secret{}), codes.InvalidArgument},
		"no replica":                   {create(project, "b", &pb.Secret{Replication: &pb.Replication{Replication: &pb.Replication_UserManaged_{UserManaged: &pb.Replication_UserManaged{}}}}), codes.InvalidArgument},
		"an upper-case label":          {create(project, "b", labelled("A", "b")), codes.InvalidArgument},
		"a label's value with a space": {create(project, "b", labelled("a", "b c")), codes.InvalidArgument},
		"a time to live":               {create(project, "b", &pb.Secret{Replication: automatic(), Expiration: &pb.Secret_Ttl{Ttl: &durationpb.Duration{Seconds: 1}}}), codes.Unimplemented},
		"an id that is taken":          {create(project, "a", &pb.Secret{Replication: automatic()}), codes.AlreadyExists},
		"no payload":                   {add(project+"/secrets/a", nil), codes.InvalidArgument},
		"an empty payload":             {add(project+"/secrets/a", &pb.SecretPayload{}), codes.InvalidArgument},
		"a payload of 65,537 bytes":    {add(project+"/secrets/a", &pb.SecretPayload{Data: make([]byte, 65_537)}), codes.InvalidArgument},
		"a wrong checksum":             {add(project+"/secrets/a", &pb.SecretPayload{Data: []byte("x"), DataCrc32C: &wrong}), codes.InvalidArgument},
		"a version of nothing":         {add(project+"/secrets/b", &pb.SecretPayload{Data: []byte("x")}), codes.NotFound},
		"a malformed parent":           {add("secrets/a", &pb.SecretPayload{Data: []byte("x")}), codes.InvalidArgument},
		"no mask":                      {alias("", nil, map[string]int64{"live": 1}), codes.InvalidArgument},
		"another field":                {alias("", []string{"labels"}, nil), codes.Unimplemented},
		"an old etag":                  {alias(`"00"`, mask, map[string]int64{"live": 1}), codes.FailedPrecondition},
		"an alias of no version":       {alias("", mask, map[string]int64{"live": 4}), codes.InvalidArgument},
		"the alias latest":             {alias("", mask, map[string]int64{"latest": 1}), codes.InvalidArgument},
		"an alias that is a number":    {alias("", mask, map[string]int64{"1": 1}), codes.InvalidArgument},
		"destroying by an alias":       {destroy(project+"/secrets/a/versions/latest", ""), codes.InvalidArgument},
		"destroying twice":             {destroy(project+"/secrets/a/versions/1", ""), codes.FailedPrecondition},
		"destroying with an old etag":  {destroy(project+"/secrets/a/versions/2", `"00"`), codes.FailedPrecondition},
		"destroying what is not":       {destroy(project+"/secrets/a/versions/4", ""), codes.NotFound},
		"destroying version zero":      {destroy(project+"/secrets/a/versions/0", ""), codes.NotFound},
		"an unknown filter":            {list("name:a", "", 0), codes.Unimplemented},
		"a wrong page token":           {list("", "99", 0), codes.InvalidArgument},
		"a negative page size":         {list("", "", -1), codes.InvalidArgument},
		"a secret that is not":         {func() error { return c.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: project + "/secrets/b"}) }, codes.NotFound},
		"deletion with an old etag": {func() error {
			return c.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: project + "/secrets/a", Etag: `"00"`})
		}, codes.FailedPrecondition},
		"access to a destroyed version": {access(ctx, c, "a/versions/1"), codes.FailedPrecondition},
		"access by an unknown alias":    {access(ctx, c, "a/versions/live"), codes.NotFound},
	} {
		if got := status.Code(tc.call()); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	v, err := c.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: project + "/secrets/a/versions/latest"})
	if err != nil || v.GetName() != "projects/"+number+"/secrets/a/versions/3" {
		t.Errorf("refused calls changed something: %v, %v", v, err)
	}
}

func access(ctx context.Context, c *api.Client, name string) func() error {
	return func() error {
		_, err := c.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: project + "/secrets/" + name})
		return err
	}
}

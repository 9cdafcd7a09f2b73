package secretmanager

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Put implements secret.Driver. After an error either version may be the live one;
// putting the payload again settles it.
func (d *Driver) Put(ctx context.Context, id string, payload []byte) error {
	switch string(payload) {
	case "":
		payload = []byte(empty)
	case empty:
		return problem.New(problem.InvalidArgument, "the payload of the secret %q is a value that stands for the empty one", id)
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	n, err := d.add(ctx, c, id, payload)
	if err != nil {
		return err
	}
	if err := d.point(ctx, c, id, n); err != nil {
		return err
	}
	return d.destroyBelow(ctx, c, id, n)
}

// add stores the payload as a version, which nothing reads yet, and gives its number.
func (d *Driver) add(ctx context.Context, c *api.Client, id string, payload []byte) (int64, error) {
	sum := checksum(payload)
	req := &pb.AddSecretVersionRequest{Parent: d.name(id), Payload: &pb.SecretPayload{Data: payload, DataCrc32C: &sum}}
	v, err := c.AddSecretVersion(ctx, req)
	if gcp.Code(err) == problem.NotFound {
		if err := d.create(ctx, c, id); err != nil {
			return 0, err
		}
		v, err = c.AddSecretVersion(ctx, req)
	}
	if err != nil {
		return 0, problem.New(problem.CodeOf(gcp.Problem(ctx, err, "")), "keep the secret %q", id).
			WithCause("Secret Manager took no new version; its answer is left out, for it may hold a part of the payload")
	}
	n, err := number(v)
	if err == nil && !v.GetClientSpecifiedPayloadChecksum() {
		err = problem.New(problem.Unavailable, "the payload of the secret %q lost its checksum on the way", id)
	}
	return n, err
}

func (d *Driver) create(ctx context.Context, c *api.Client, id string) error {
	where := &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}}
	if d.opts.InRegion {
		where.Replication = &pb.Replication_UserManaged_{UserManaged: &pb.Replication_UserManaged{
			Replicas: []*pb.Replication_UserManaged_Replica{{Location: d.opts.Location.Region}},
		}}
	}
	_, err := c.CreateSecret(ctx, &pb.CreateSecretRequest{
		Parent: d.project(), SecretId: id,
		Secret: &pb.Secret{Replication: where, Labels: map[string]string{label: d.opts.Installation}},
	})
	if gcp.Code(err) == problem.AlreadyExists { // another writer's, or ours, its reply lost
		return nil
	}
	return gcp.Problem(ctx, err, "make the secret %q", id)
}

// maxRaces bounds the repetitions of point: each means that another writer came first.
const maxRaces = 20

// point moves the alias forward to version n. A newer version that is live already
// was put meanwhile: it stays.
func (d *Driver) point(ctx context.Context, c *api.Client, id string, n int64) error {
	for range maxRaces {
		s, err := c.GetSecret(ctx, &pb.GetSecretRequest{Name: d.name(id)})
		if err != nil {
			return gcp.Problem(ctx, err, "find the live version of the secret %q", id)
		}
		if s.GetVersionAliases()[live] >= n {
			return nil
		}
		aliases := maps.Clone(s.GetVersionAliases())
		if aliases == nil {
			aliases = map[string]int64{}
		}
		aliases[live] = n
		_, err = c.UpdateSecret(ctx, &pb.UpdateSecretRequest{
			Secret:     &pb.Secret{Name: d.name(id), Etag: s.GetEtag(), VersionAliases: aliases},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}},
		})
		// The etag is not the one read: another writer, or ours, its reply lost
		// (https://cloud.google.com/secret-manager/docs/etags).
		if gcp.Code(err) != problem.FailedPrecondition {
			return gcp.Problem(ctx, err, "make the new version of the secret %q the live one", id)
		}
	}
	return problem.New(problem.Unavailable, "many writers at once hold the secret %q", id)
}

// destroyBelow destroys the versions before n.
func (d *Driver) destroyBelow(ctx context.Context, c *api.Client, id string, n int64) error {
	it := c.ListSecretVersions(ctx, &pb.ListSecretVersionsRequest{Parent: d.name(id), Filter: "state:(ENABLED OR DISABLED)"})
	for {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) || gcp.Code(err) == problem.NotFound {
			return nil
		}
		if err != nil {
			return gcp.Problem(ctx, err, "find the old versions of the secret %q", id)
		}
		m, err := number(v)
		if err != nil {
			return err
		}
		if m >= n {
			continue
		}
		name := d.name(id) + "/versions/" + strconv.FormatInt(m, 10)
		if _, err := c.DestroySecretVersion(ctx, &pb.DestroySecretVersionRequest{Name: name}); err != nil && !d.gone(ctx, c, name) {
			return gcp.Problem(ctx, err, "destroy version %d of the secret %q", m, id)
		}
	}
}

// gone says whether a version that could not be destroyed is: by another writer, or
// by us, the reply lost.
func (d *Driver) gone(ctx context.Context, c *api.Client, name string) bool {
	v, err := c.GetSecretVersion(ctx, &pb.GetSecretVersionRequest{Name: name})
	return gcp.Code(err) == problem.NotFound || v.GetState() == pb.SecretVersion_DESTROYED
}

// number reads a version's number off its name; versions count from 1.
func number(v *pb.SecretVersion) (int64, error) {
	n, err := strconv.ParseInt(v.GetName()[strings.LastIndex(v.GetName(), "/")+1:], 10, 64)
	if err != nil || n < 1 {
		return 0, problem.New(problem.Internal, "Secret Manager named a version %q", v.GetName())
	}
	return n, nil
}

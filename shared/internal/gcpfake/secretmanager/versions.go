package secretmanager

import (
	"bytes"
	"context"
	"hash/crc32"
	"strconv"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxPayload is in bytes (https://cloud.google.com/secret-manager/quotas).
const maxPayload = 65_536

// AddSecretVersion implements the service.
func (s *service) AddSecretVersion(_ context.Context, r *pb.AddSecretVersionRequest) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(r.GetParent())
	if err != nil {
		return nil, err
	}
	data := r.GetPayload().GetData()
	sum := int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	given := r.GetPayload() != nil && r.GetPayload().DataCrc32C != nil
	switch {
	case len(data) == 0: // the field has no presence: empty is absent
		return nil, invalid("Field [payload] is required.")
	case len(data) > maxPayload:
		return nil, invalid("The payload is larger than %d bytes.", maxPayload)
	case given && r.GetPayload().GetDataCrc32C() != sum:
		return nil, invalid("The payload does not match its checksum.")
	}
	v := &version{data: bytes.Clone(data), sum: sum, pb: &pb.SecretVersion{
		Name:                           found.pb.GetName() + "/versions/" + strconv.Itoa(len(found.versions)+1),
		CreateTime:                     timestamppb.Now(),
		State:                          pb.SecretVersion_ENABLED,
		Etag:                           s.etag(),
		ClientSpecifiedPayloadChecksum: given,
	}}
	found.versions = append(found.versions, v)
	return clone(v.pb), nil
}

// version gives the version of a name. Aliases, "latest" among them, count only for
// reads. The lock is held.
func (s *service) version(name string, aliases bool) (*version, error) {
	m := versioned.FindStringSubmatch(name)
	if m == nil {
		return nil, invalid("The name %q is not projects/*/secrets/*/versions/*.", name)
	}
	found, err := s.find(m[1])
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	switch {
	case err == nil:
	case !aliases:
		return nil, invalid("The version %q is not a number.", m[2])
	case m[2] == "latest":
		n = int64(len(found.versions))
	default:
		n = found.pb.GetVersionAliases()[m[2]]
	}
	if n < 1 || n > int64(len(found.versions)) {
		return nil, status.Errorf(codes.NotFound, "Secret Version [%s] not found.", name)
	}
	return found.versions[n-1], nil
}

// GetSecretVersion implements the service.
func (s *service) GetSecretVersion(_ context.Context, r *pb.GetSecretVersionRequest) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.version(r.GetName(), true)
	if err != nil {
		return nil, err
	}
	return clone(v.pb), nil
}

// AccessSecretVersion implements the service.
func (s *service) AccessSecretVersion(_ context.Context, r *pb.AccessSecretVersionRequest) (*pb.AccessSecretVersionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.version(r.GetName(), true)
	if err != nil {
		return nil, err
	}
	if v.pb.GetState() != pb.SecretVersion_ENABLED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", v.pb.GetName(), v.pb.GetState())
	}
	sum := v.sum
	return &pb.AccessSecretVersionResponse{Name: v.pb.GetName(), Payload: &pb.SecretPayload{Data: bytes.Clone(v.data), DataCrc32C: &sum}}, nil
}

// ListSecretVersions implements the service for one filter.
func (s *service) ListSecretVersions(_ context.Context, r *pb.ListSecretVersionsRequest) (*pb.ListSecretVersionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(r.GetParent())
	if err != nil {
		return nil, err
	}
	if r.GetFilter() != "" && r.GetFilter() != "state:(ENABLED OR DISABLED)" {
		return nil, status.Errorf(codes.Unimplemented, "the filter %q is not known here", r.GetFilter())
	}
	size := int(r.GetPageSize())
	switch {
	case size < 0:
		return nil, invalid("The page size is negative.")
	case size == 0:
		size = 25
	case size > 25_000:
		size = 25_000
	}
	from := len(found.versions) // the token is the number of the last version listed
	if r.GetPageToken() != "" {
		n, err := strconv.Atoi(r.GetPageToken())
		if err != nil || n < 1 || n > len(found.versions) {
			return nil, invalid("The page token is not valid.")
		}
		from = n - 1
	}
	out := &pb.ListSecretVersionsResponse{}
	for n := from; n >= 1; n-- {
		v := found.versions[n-1].pb
		if r.GetFilter() != "" && v.GetState() == pb.SecretVersion_DESTROYED {
			continue
		}
		if out.TotalSize++; len(out.Versions) < size {
			out.Versions = append(out.Versions, clone(v))
		} else if out.NextPageToken == "" {
			out.NextPageToken = strconv.Itoa(n + 1)
		}
	}
	return out, nil
}

// DisableSecretVersion implements the service.
func (s *service) DisableSecretVersion(_ context.Context, r *pb.DisableSecretVersionRequest) (*pb.SecretVersion, error) {
	return s.become(r.GetName(), r.GetEtag(), pb.SecretVersion_DISABLED)
}

// EnableSecretVersion implements the service.
func (s *service) EnableSecretVersion(_ context.Context, r *pb.EnableSecretVersionRequest) (*pb.SecretVersion, error) {
	return s.become(r.GetName(), r.GetEtag(), pb.SecretVersion_ENABLED)
}

// DestroySecretVersion implements the service.
func (s *service) DestroySecretVersion(_ context.Context, r *pb.DestroySecretVersionRequest) (*pb.SecretVersion, error) {
	return s.become(r.GetName(), r.GetEtag(), pb.SecretVersion_DESTROYED)
}

func (s *service) become(name, etag string, state pb.SecretVersion_State) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.version(name, false)
	if err != nil {
		return nil, err
	}
	if err := check(etag, v.pb.GetEtag()); err != nil {
		return nil, err
	}
	if v.pb.GetState() == pb.SecretVersion_DESTROYED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in DESTROYED state.", v.pb.GetName())
	}
	v.pb.State, v.pb.Etag = state, s.etag()
	if state == pb.SecretVersion_DESTROYED {
		v.pb.DestroyTime, v.data = timestamppb.Now(), nil
	}
	return clone(v.pb), nil
}

package secretmanager

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// maxListed is the default page, and here the largest
// (https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/list).
const maxListed = 25000

// ListSecrets implements the service, without filters.
func (s *service) ListSecrets(_ context.Context, r *pb.ListSecretsRequest) (*pb.ListSecretsResponse, error) {
	project, ok := strings.CutPrefix(r.GetParent(), "projects/")
	if !ok {
		return nil, invalid("The parent %q is not projects/*.", r.GetParent())
	}
	if r.GetFilter() != "" {
		return nil, invalid("this fake filters nothing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ours(project); err != nil {
		return nil, err
	}
	size, skip := int(r.GetPageSize()), 0
	if size <= 0 || size > maxListed {
		size = maxListed
	}
	if t := r.GetPageToken(); t != "" {
		var err error
		if skip, err = strconv.Atoi(t); err != nil || skip < 1 {
			return nil, invalid("The page token is not one of this service.")
		}
	}
	ids := slices.Sorted(maps.Keys(s.secrets))
	out := &pb.ListSecretsResponse{TotalSize: int32(len(ids))} //nolint:gosec // a fake has few
	for _, id := range ids[min(skip, len(ids)):min(skip+size, len(ids))] {
		out.Secrets = append(out.Secrets, clone(s.secrets[id].pb))
	}
	if skip+size < len(ids) {
		out.NextPageToken = strconv.Itoa(skip + size)
	}
	return out, nil
}

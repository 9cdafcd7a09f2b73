package secretmanager

import (
	"context"
	"maps"
	"strings"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateSecret implements the service.
func (s *service) CreateSecret(_ context.Context, r *pb.CreateSecretRequest) (*pb.Secret, error) {
	project, ok := strings.CutPrefix(r.GetParent(), "projects/")
	switch {
	case !ok || strings.Contains(project, "/"):
		return nil, invalid("The parent %q is not projects/*.", r.GetParent())
	case !secretID.MatchString(r.GetSecretId()):
		return nil, invalid("The secret id has 1 to 255 letters, digits, hyphens and underscores.")
	case r.GetSecret() == nil:
		return nil, invalid("Field [secret] is required.")
	}
	if err := s.ours(project); err != nil {
		return nil, err
	}
	given := r.GetSecret()
	known := &pb.Secret{Replication: given.GetReplication(), Labels: given.GetLabels()}
	if !proto.Equal(given, known) {
		return nil, status.Error(codes.Unimplemented, "a secret is made of its replication and labels here")
	}
	if err := checkReplication(given.GetReplication()); err != nil {
		return nil, err
	}
	if err := checkLabels(given.GetLabels()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets[r.GetSecretId()] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "Secret [projects/%s/secrets/%s] already exists.", number, r.GetSecretId())
	}
	kept := clone(known)
	kept.Name = "projects/" + number + "/secrets/" + r.GetSecretId()
	kept.CreateTime, kept.Etag = timestamppb.Now(), s.etag()
	s.secrets[r.GetSecretId()] = &secret{pb: kept}
	return clone(kept), nil
}

func checkReplication(r *pb.Replication) error {
	switch p := r.GetReplication().(type) {
	case *pb.Replication_Automatic_:
		if p.Automatic.GetCustomerManagedEncryption() != nil {
			return status.Error(codes.Unimplemented, "there are no customer-managed keys here")
		}
		return nil
	case *pb.Replication_UserManaged_:
		seen := map[string]bool{}
		for _, at := range p.UserManaged.GetReplicas() {
			if at.GetLocation() == "" || seen[at.GetLocation()] {
				return invalid("Every replica has a location of its own.")
			}
			if at.GetCustomerManagedEncryption() != nil {
				return status.Error(codes.Unimplemented, "there are no customer-managed keys here")
			}
			seen[at.GetLocation()] = true
		}
		if len(seen) > 0 {
			return nil
		}
	}
	return invalid("Field [secret.replication] is required.")
}

func checkLabels(labels map[string]string) error {
	if len(labels) > 64 {
		return invalid("No more than 64 labels can be assigned.")
	}
	for k, v := range labels {
		if !labelKey.MatchString(k) || !labelValue.MatchString(v) || len(k) > 128 || len(v) > 128 {
			return invalid("The label %q: %q is not valid.", k, v)
		}
	}
	return nil
}

// GetSecret implements the service.
func (s *service) GetSecret(_ context.Context, r *pb.GetSecretRequest) (*pb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(r.GetName())
	if err != nil {
		return nil, err
	}
	return clone(found.pb), nil
}

// UpdateSecret implements the service for version aliases.
func (s *service) UpdateSecret(_ context.Context, r *pb.UpdateSecretRequest) (*pb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(r.GetSecret().GetName())
	if err != nil {
		return nil, err
	}
	if len(r.GetUpdateMask().GetPaths()) == 0 {
		return nil, invalid("Field [update_mask] is required.")
	}
	for _, path := range r.GetUpdateMask().GetPaths() {
		if path != "version_aliases" {
			return nil, status.Errorf(codes.Unimplemented, "%s does not change here", path)
		}
	}
	if err := check(r.GetSecret().GetEtag(), found.pb.GetEtag()); err != nil {
		return nil, err
	}
	aliases := r.GetSecret().GetVersionAliases()
	if len(aliases) > 50 {
		return nil, invalid("No more than 50 aliases can be assigned.")
	}
	for alias, n := range aliases {
		if !aliasName.MatchString(alias) || alias == "latest" || alias == "NEW" {
			return nil, invalid("%q is not an alias.", alias)
		}
		if n < 1 || n > int64(len(found.versions)) {
			return nil, invalid("The alias %q names version %d, which does not exist.", alias, n)
		}
	}
	found.pb.VersionAliases, found.pb.Etag = maps.Clone(aliases), s.etag()
	return clone(found.pb), nil
}

// DeleteSecret implements the service.
func (s *service) DeleteSecret(_ context.Context, r *pb.DeleteSecretRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(r.GetName())
	if err != nil {
		return nil, err
	}
	if err := check(r.GetEtag(), found.pb.GetEtag()); err != nil {
		return nil, err
	}
	delete(s.secrets, secretName.FindStringSubmatch(r.GetName())[2])
	return &emptypb.Empty{}, nil
}

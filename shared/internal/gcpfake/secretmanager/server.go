package secretmanager

import (
	"fmt"
	"regexp"
	"sync"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// number is the project's, which the service uses in its names.
const number = "417036517204"

// Server is a running fake. Its Fail makes calls fail on demand.
type Server struct{ *rpc.Server }

// Start serves the secrets of a project on a loopback address; "" is a free port.
func Start(address, project string) (*Server, error) {
	if !projectID.MatchString(project) {
		return nil, problem.New(problem.InvalidArgument, "%q is not the id of a project", project)
	}
	s := &service{project: project, secrets: map[string]*secret{}}
	server, err := rpc.Serve(address, func(g *grpc.Server) { pb.RegisterSecretManagerServiceServer(g, s) })
	if err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "the service cannot be served")
	}
	return &Server{server}, nil
}

type service struct {
	pb.UnimplementedSecretManagerServiceServer
	project string

	mu      sync.Mutex
	secrets map[string]*secret // by id
	changes int64              // of anything; etags are made of it
}

type secret struct {
	pb       *pb.Secret
	versions []*version // number n at n-1
}

type version struct {
	pb   *pb.SecretVersion
	data []byte // nil once destroyed
	sum  int64
}

var (
	// https://cloud.google.com/resource-manager/docs/creating-managing-projects#before_you_begin
	projectID  = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	secretID   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	secretName = regexp.MustCompile(`^projects/([a-z0-9-]+)/secrets/([A-Za-z0-9_-]{1,255})$`)
	versioned  = regexp.MustCompile(`^(projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255})/versions/([A-Za-z0-9_-]+)$`)
	aliasName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// ours checks that a project is this one, by id or number.
func (s *service) ours(project string) error {
	if project != s.project && project != number {
		return status.Errorf(codes.PermissionDenied, "Permission denied on project %q (or it may not exist).", project)
	}
	return nil
}

// find gives the secret of a name. The lock is held.
func (s *service) find(name string) (*secret, error) {
	m := secretName.FindStringSubmatch(name)
	if m == nil {
		return nil, invalid("The name %q is not projects/*/secrets/*.", name)
	}
	if err := s.ours(m[1]); err != nil {
		return nil, err
	}
	if found := s.secrets[m[2]]; found != nil {
		return found, nil
	}
	return nil, status.Errorf(codes.NotFound, "Secret [%s] not found.", name)
}

// etag makes the next one; check compares the one a request brings.
func (s *service) etag() string {
	s.changes++
	return fmt.Sprintf(`"%014x"`, s.changes)
}

func check(given, stored string) error {
	if given != "" && given != stored {
		return status.Error(codes.FailedPrecondition, "The etag provided does not match the stored one.")
	}
	return nil
}

func clone[M proto.Message](m M) M { return proto.CloneOf(m) }

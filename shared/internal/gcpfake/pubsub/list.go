package pubsub

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
)

// maxListed is the largest page
// (https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/list).
const maxListed = 1000

// page gives the names of a project's resources on one page, and the token of the next.
func page(names []string, project string, size int32, token string) (out []string, next string, err error) {
	if !strings.HasPrefix(project, "projects/") || strings.Count(project, "/") != 1 {
		return nil, "", bad("%q is not projects/*", project)
	}
	skip := 0
	if token != "" {
		if skip, err = strconv.Atoi(token); err != nil || skip < 1 {
			return nil, "", bad("page_token is not one of this service")
		}
	}
	if size < 0 {
		return nil, "", bad("page_size is negative")
	}
	most := int(size)
	if most == 0 || most > maxListed {
		most = maxListed
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, project+"/") })
	slices.Sort(names)
	out = names[min(skip, len(names)):min(skip+most, len(names))]
	if skip+most < len(names) {
		next = strconv.Itoa(skip + most)
	}
	return out, next, nil
}

// ListTopics implements pb.PublisherServer.
func (s *Server) ListTopics(_ context.Context, r *pb.ListTopicsRequest) (*pb.ListTopicsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next, err := page(slices.Collect(maps.Keys(s.topics)), r.Project, r.PageSize, r.PageToken)
	if err != nil {
		return nil, err
	}
	out := &pb.ListTopicsResponse{NextPageToken: next}
	for _, n := range names {
		out.Topics = append(out.Topics, proto.CloneOf(s.topics[n].proto))
	}
	return out, nil
}

// ListSubscriptions implements pb.SubscriberServer.
func (s *Server) ListSubscriptions(_ context.Context, r *pb.ListSubscriptionsRequest) (*pb.ListSubscriptionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next, err := page(slices.Collect(maps.Keys(s.subs)), r.Project, r.PageSize, r.PageToken)
	if err != nil {
		return nil, err
	}
	out := &pb.ListSubscriptionsResponse{NextPageToken: next}
	for _, n := range names {
		out.Subscriptions = append(out.Subscriptions, proto.CloneOf(s.subs[n].proto))
	}
	return out, nil
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/auth/credentials"
	resourcemanager "google.golang.org/api/cloudresourcemanager/v1"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	serviceusage "google.golang.org/api/serviceusage/v1"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Credentials reports whether application default credentials are there.
func Credentials() error {
	_, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}})
	if err != nil {
		return problem.New(problem.FailedPrecondition, "there are no application default credentials").
			WithNext(problem.TurnYou, "gcloud auth application-default login")
	}
	return nil
}

// Check gives why suites cannot run in a project, by name: a variable of env that is
// missing, an API that is off, a permission that the caller lacks. client are the
// options of both clients that it asks.
func Check(ctx context.Context, project string, suites []Suite, env []string, client ...option.ClientOption) (map[string]string, error) {
	why := map[string]string{}
	var apis, permissions []string
	for _, s := range suites {
		apis = append(apis, s.APIs...)
		permissions = append(permissions, s.Permissions...)
		for _, v := range s.Needs {
			if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, v+"=") }) {
				why[s.Name] = v + " is not set; docs/verify-cloud.md says what it is"
			}
		}
	}
	enabled, err := enabledAPIs(ctx, project, unique(apis), client)
	if err != nil {
		return nil, err
	}
	granted, err := grantedPermissions(ctx, project, unique(permissions), client)
	if err != nil {
		return nil, err
	}
	for _, s := range suites {
		if lack := missing(s.APIs, enabled); len(lack) > 0 {
			why[s.Name] = fmt.Sprintf("the project has not enabled %s; next: gcloud services enable %s --project=%s", strings.Join(lack, ", "), strings.Join(lack, " "), project)
		} else if lack := missing(s.Permissions, granted); len(lack) > 0 && why[s.Name] == "" {
			why[s.Name] = fmt.Sprintf("you lack %s in project %s; next: ask for a role that has it, e.g. roles/editor", strings.Join(lack, ", "), project)
		}
	}
	return why, nil
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func missing(want, have []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(w string) bool { return slices.Contains(have, w) })
}

// most names that one BatchGet takes
// (https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet).
const mostNames = 30

func enabledAPIs(ctx context.Context, project string, apis []string, client []option.ClientOption) (out []string, err error) {
	c, err := serviceusage.NewService(ctx, client...)
	if err != nil {
		return nil, gcp.Problem(ctx, err, "the client of Service Usage cannot be made")
	}
	for names := range slices.Chunk(apis, mostNames) {
		full := make([]string, len(names))
		for i, n := range names {
			full[i] = "projects/" + project + "/services/" + n
		}
		list, err := c.Services.BatchGet("projects/" + project).Names(full...).Context(ctx).Do()
		if err != nil {
			return nil, told(ctx, err, project, "serviceusage.googleapis.com")
		}
		for _, s := range list.Services {
			if s.State == "ENABLED" {
				out = append(out, s.Name[strings.LastIndex(s.Name, "/")+1:])
			}
		}
	}
	return out, nil
}

// mostPermissions that one call takes
// (https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions).
const mostPermissions = 100

func grantedPermissions(ctx context.Context, project string, permissions []string, client []option.ClientOption) (out []string, err error) {
	c, err := resourcemanager.NewService(ctx, client...)
	if err != nil {
		return nil, gcp.Problem(ctx, err, "the client of Resource Manager cannot be made")
	}
	for some := range slices.Chunk(permissions, mostPermissions) {
		reply, err := c.Projects.TestIamPermissions(project, &resourcemanager.TestIamPermissionsRequest{Permissions: some}).Context(ctx).Do()
		if err != nil {
			return nil, told(ctx, err, project, "cloudresourcemanager.googleapis.com")
		}
		out = append(out, reply.Permissions...)
	}
	return out, nil
}

// told says what to do about a question that was not answered.
func told(ctx context.Context, err error, project, api string) error {
	var e *googleapi.Error
	if errors.As(err, &e) && (e.Code == http.StatusForbidden || e.Code == http.StatusNotFound) {
		return problem.New(problem.FailedPrecondition, "project %s cannot be asked what is enabled", project).WithCause("%v", err).
			WithNext(problem.TurnYou, "gcloud services enable %s --project=%s; see that you are signed in as somebody who may use the project", api, project)
	}
	return gcp.Problem(ctx, err, "ask project %s what is enabled", project)
}

package cloudbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/objects"
)

// The installation's names; none is anybody's.
const (
	// Owner and Colleague are the people who can sign in, by their e-mail addresses.
	// Somebody has to give the colleague access.
	Owner     = "owner@b2brecs-box.example"
	Colleague = "vera@b2brecs-box.example"

	clientID         = "b2brecs-box.apps.googleusercontent.com"
	functionsAccount = "functions@b2brecs-box.iam.gserviceaccount.com"
	workflowsAccount = "workflows@b2brecs-box.iam.gserviceaccount.com"
	schedulerAccount = "scheduler@b2brecs-box.iam.gserviceaccount.com"
	pipelineAccount  = "pipelines@b2brecs-box.iam.gserviceaccount.com"
	pipelineImage    = "europe-west1-docker.pkg.dev/b2brecs-box/b2brecs/runtime:box"
)

var place = gcp.Location{Project: "b2brecs-box", Region: "europe-west1"}

// buckets by the product's names.
var buckets = map[string]string{
	objects.Uploads: "b2brecs-box-uploads", objects.Staging: "b2brecs-box-staging", objects.Pipelines: "b2brecs-box-pipelines",
}

// Environment is what Terraform gives a function, for shared/platform/cloud to read.
func (b *Box) Environment() []string {
	var emulators []string
	for _, service := range slices.Sorted(maps.Keys(b.services)) {
		emulators = append(emulators, service+"="+b.services[service])
	}
	env := []string{
		"B2BRECS_PROJECT=" + place.Project,
		"B2BRECS_REGION=" + place.Region,
		"B2BRECS_FUNCTIONS_URL=" + b.functionsURL(),
		"B2BRECS_OIDC_ISSUER=" + b.issuer.URL(),
		"B2BRECS_OIDC_AUDIENCE=" + clientID,
		"B2BRECS_OWNER_EMAIL=" + Owner,
		"B2BRECS_SERVICE_ACCOUNTS=" + strings.Join([]string{functionsAccount, workflowsAccount, schedulerAccount}, ","),
		"B2BRECS_SCHEDULER_ACCOUNT=" + schedulerAccount,
		"B2BRECS_PIPELINE_ACCOUNT=" + pipelineAccount,
		"B2BRECS_PIPELINE_IMAGE=" + pipelineImage,
		"B2BRECS_SIGNING_ACCOUNT=" + functionsAccount,
		"B2BRECS_ALLOW_PRIVATE_HOSTS=true",
		"B2BRECS_EMULATORS=" + strings.Join(emulators, ","),
		"GCE_METADATA_HOST=" + b.issuer.Host(),
	}
	for name, bucket := range buckets {
		env = append(env, fmt.Sprintf("B2BRECS_BUCKET_%s=%s", strings.ToUpper(name), bucket))
	}
	return env
}

package verify

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
)

// Suite is the conformance suite of one driver.
type Suite struct {
	Name    string // of the API, e.g. "events"
	Driver  string // its package below shared
	Service string // as people know it
	Tests   string // the tests, as go test takes them
	Fake    string // the tests where EmulatorsVar has no such service: on a fake of their own
	// APIs, Needs and Permissions are what must be there before it begins: services of the
	// project, variables of gcptest, and permissions on the project.
	APIs        []string
	Needs       []string
	Permissions []string
	Makes       string // what it makes, for the question before it begins
	Cost        string
	Timeout     time.Duration
}

// Variables of gcptest that a person may set.
const (
	AccountVar   = gcptest.AccountVar
	APIKeyVar    = gcptest.APIKeyVar
	FirestoreVar = gcptest.FirestoreVar
)

const onGoogle, onFake = "^TestOnGoogleCloud$", "^TestConformance$"

// Suites are all there are, cheap ones first.
var Suites = []Suite{
	{Name: "secret", Driver: "secret/secretmanager", Service: "Secret Manager", Tests: onGoogle, APIs: []string{"secretmanager.googleapis.com"},
		Permissions: []string{"secretmanager.secrets.create", "secretmanager.secrets.delete", "secretmanager.secrets.list", "secretmanager.versions.access", "secretmanager.versions.add", "secretmanager.versions.destroy"},
		Makes:       "about 10 secrets", Cost: "cents", Timeout: 10 * time.Minute},
	{Name: "identity", Driver: "identity/oidc", Service: "Identity Platform, Google's tokens", Tests: onGoogle, Fake: onFake,
		APIs: []string{"identitytoolkit.googleapis.com", "iamcredentials.googleapis.com"}, Needs: []string{AccountVar, APIKeyVar},
		Permissions: []string{"firebaseauth.users.create", "firebaseauth.users.delete"},
		Makes:       "a person in Identity Platform", Cost: "nothing", Timeout: 5 * time.Minute},
	{Name: "events", Driver: "events/pubsub", Service: "Pub/Sub", Tests: "^(TestConformance|TestRestart|TestCrash)$", APIs: []string{"pubsub.googleapis.com"},
		Permissions: []string{"pubsub.topics.create", "pubsub.topics.delete", "pubsub.topics.list", "pubsub.topics.publish", "pubsub.subscriptions.create", "pubsub.subscriptions.consume", "pubsub.subscriptions.delete"},
		Makes:       "some dozens of topics and subscriptions", Cost: "cents", Timeout: 40 * time.Minute},
	{Name: "objects", Driver: "objects/gcs", Service: "Cloud Storage", Tests: onGoogle,
		APIs:        []string{"storage.googleapis.com", "pubsub.googleapis.com", "iamcredentials.googleapis.com"},
		Permissions: []string{"storage.buckets.create", "storage.buckets.delete", "storage.buckets.list", "storage.objects.create", "storage.objects.delete", "pubsub.topics.create", "pubsub.topics.setIamPolicy"},
		Makes:       "15 buckets, each with a topic and a subscription", Cost: "cents", Timeout: 40 * time.Minute},
	{Name: "state", Driver: "state/firestore", Service: "Firestore", Tests: onGoogle, APIs: []string{"firestore.googleapis.com"},
		Permissions: []string{"datastore.databases.create", "datastore.databases.delete", "datastore.databases.list", "datastore.indexes.create", "datastore.indexes.update", "datastore.entities.create"},
		Makes:       "a database with its indexes", Cost: "cents", Timeout: time.Hour},
	{Name: "schedule", Driver: "schedule/cloudscheduler", Service: "Cloud Scheduler", Tests: onGoogle,
		APIs: []string{"cloudscheduler.googleapis.com", "run.googleapis.com"}, Needs: []string{AccountVar},
		Permissions: []string{"cloudscheduler.jobs.create", "cloudscheduler.jobs.delete", "cloudscheduler.jobs.run", "cloudscheduler.jobs.list", "run.services.create", "run.services.delete", "run.services.setIamPolicy"},
		Makes:       "about 10 jobs, and a Cloud Run service that carries their calls here", Cost: "cents", Timeout: 20 * time.Minute},
	{Name: "warehouse", Driver: "warehouse/bigquery", Service: "BigQuery", Tests: onGoogle, Fake: onFake,
		APIs:        []string{"bigquery.googleapis.com", "storage.googleapis.com"},
		Permissions: []string{"bigquery.datasets.create", "bigquery.jobs.create", "bigquery.tables.create", "bigquery.tables.delete", "bigquery.tables.list", "storage.buckets.create", "storage.buckets.delete"},
		Makes:       "a bucket, some dozens of tables in raw_data; rows of b2brecs_ledger and tables of b2brecs_staging that expire stay", Cost: "under 1 dollar", Timeout: time.Hour},
	{Name: "workflow", Driver: "workflow/cloudworkflows", Service: "Workflows", Tests: onGoogle, Fake: onFake,
		APIs: []string{"workflows.googleapis.com", "workflowexecutions.googleapis.com", "run.googleapis.com"}, Needs: []string{AccountVar},
		Permissions: []string{"workflows.workflows.create", "workflows.workflows.delete", "workflows.workflows.list", "workflows.executions.create", "workflows.executions.cancel", "run.services.create", "run.services.delete", "run.services.setIamPolicy"},
		Makes:       "about 60 workflows, and a Cloud Run service that carries their calls here", Cost: "cents", Timeout: 90 * time.Minute},
	{Name: "pipeline", Driver: "pipeline/vertex", Service: "Vertex AI Pipelines", Tests: onGoogle, Fake: onFake,
		APIs: []string{"aiplatform.googleapis.com", "logging.googleapis.com", "storage.googleapis.com", "compute.googleapis.com"}, Needs: []string{AccountVar},
		Permissions: []string{"aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.cancel", "aiplatform.pipelineJobs.delete", "aiplatform.pipelineJobs.list", "logging.logEntries.list", "storage.buckets.create", "storage.buckets.delete"},
		Makes:       "a bucket and about a dozen pipeline jobs, some 50 tasks on a machine each", Cost: "2 to 5 dollars", Timeout: 6 * time.Hour},
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	bq "cloud.google.com/go/bigquery"
	firestore "cloud.google.com/go/firestore/apiv1/admin"
	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	pubsub "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	scheduler "cloud.google.com/go/scheduler/apiv1"
	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"cloud.google.com/go/storage"
	workflows "cloud.google.com/go/workflows/apiv1"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	run "google.golang.org/api/run/v2"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// kind is a sort of resource that suites make.
type kind struct {
	name    string
	suites  []string
	service string // of gcptest.EmulatorsVar
	// each calls visit with the name of every one there is.
	each   func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error
	remove func(ctx context.Context, s *Sweeper, o []option.ClientOption, name string) error
}

// visit takes a resource; label is the value of gcptest.Label where the kind has one.
type visit func(name, label string) error

// all calls visit for what an iterator of a Google client gives.
func all[T any](next func() (T, error), visit func(T) error) error {
	for {
		v, err := next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err == nil {
			err = visit(v)
		}
		if err != nil {
			return err
		}
	}
}

// with makes a client for one use.
func with[C interface{ Close() error }](c C, err error, use func(C) error) error {
	if err != nil {
		return err
	}
	return errors.Join(use(c), c.Close())
}

// kinds are all there are; what others lean on comes last.
var kinds = []kind{
	{"subscription", []string{"events", "objects"}, "pubsub",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := pubsub.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *pubsub.Client) error {
				return all(c.SubscriptionAdminClient.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{Project: s.project()}).Next, func(v *pb.Subscription) error { return visit(v.GetName(), "") })
			})
		},
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, name string) error {
			c, err := pubsub.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *pubsub.Client) error {
				return c.SubscriptionAdminClient.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: name})
			})
		}},
	{"topic", []string{"events", "objects"}, "pubsub",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := pubsub.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *pubsub.Client) error {
				return all(c.TopicAdminClient.ListTopics(ctx, &pb.ListTopicsRequest{Project: s.project()}).Next, func(v *pb.Topic) error { return visit(v.GetName(), "") })
			})
		},
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, name string) error {
			c, err := pubsub.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *pubsub.Client) error {
				return c.TopicAdminClient.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: name})
			})
		}},
	{"secret", []string{"secret"}, "secretmanager",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := secretmanager.NewClient(ctx, o...)
			return with(c, err, func(c *secretmanager.Client) error {
				return all(c.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: s.project()}).Next, func(v *secretmanagerpb.Secret) error { return visit(v.GetName(), "") })
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := secretmanager.NewClient(ctx, o...)
			return with(c, err, func(c *secretmanager.Client) error {
				return c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: name})
			})
		}},
	{"job of Cloud Scheduler", []string{"schedule"}, "scheduler",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := scheduler.NewCloudSchedulerClient(ctx, o...)
			return with(c, err, func(c *scheduler.CloudSchedulerClient) error {
				return all(c.ListJobs(ctx, &schedulerpb.ListJobsRequest{Parent: s.Parent()}).Next, func(v *schedulerpb.Job) error { return visit(v.GetName(), "") })
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := scheduler.NewCloudSchedulerClient(ctx, o...)
			return with(c, err, func(c *scheduler.CloudSchedulerClient) error {
				return c.DeleteJob(ctx, &schedulerpb.DeleteJobRequest{Name: name})
			})
		}},
	{"bucket", []string{"objects", "warehouse", "pipeline"}, "storage",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := storage.NewClient(ctx, o...)
			return with(c, err, func(c *storage.Client) error {
				it := c.Buckets(ctx, s.Project)
				it.Prefix = gcptest.Prefix
				return all(it.Next, func(v *storage.BucketAttrs) error { return visit(v.Name, "") })
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := storage.NewClient(ctx, o...)
			return with(c, err, func(c *storage.Client) error { return gcptest.EmptyBucket(ctx, c.Bucket(name)) })
		}},
	{"table", []string{"warehouse"}, "bigquery",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := bq.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *bq.Client) error {
				err := all(c.Dataset(warehouse.Raw).Tables(ctx).Next, func(v *bq.Table) error { return visit(v.TableID, "") })
				var e *googleapi.Error
				if errors.As(err, &e) && e.Code == http.StatusNotFound { // no dataset yet, hence no table
					return nil
				}
				return err
			})
		},
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, name string) error {
			c, err := bq.NewClient(ctx, s.Project, o...)
			return with(c, err, func(c *bq.Client) error { return c.Dataset(warehouse.Raw).Table(name).Delete(ctx) })
		}},
	{"workflow", []string{"workflow"}, "workflows",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := workflows.NewClient(ctx, o...)
			return with(c, err, func(c *workflows.Client) error {
				return all(c.ListWorkflows(ctx, &workflowspb.ListWorkflowsRequest{Parent: s.Parent()}).Next, func(v *workflowspb.Workflow) error { return visit(v.GetName(), "") })
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := workflows.NewClient(ctx, o...)
			return with(c, err, func(c *workflows.Client) error {
				op, err := c.DeleteWorkflow(ctx, &workflowspb.DeleteWorkflowRequest{Name: name})
				if err != nil {
					return err
				}
				return op.Wait(ctx)
			})
		}},
	{"pipeline job", []string{"pipeline"}, "aiplatform",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := s.pipelines(ctx, o)
			return with(c, err, func(c *aiplatform.PipelineClient) error {
				return all(c.ListPipelineJobs(ctx, &aiplatformpb.ListPipelineJobsRequest{Parent: s.Parent(), Filter: "labels." + gcptest.Label + ":*"}).Next,
					func(v *aiplatformpb.PipelineJob) error { return visit(v.GetName(), v.GetLabels()[gcptest.Label]) })
			})
		},
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, name string) error {
			c, err := s.pipelines(ctx, o)
			return with(c, err, func(c *aiplatform.PipelineClient) error {
				op, err := c.DeletePipelineJob(ctx, &aiplatformpb.DeletePipelineJobRequest{Name: name})
				if err != nil { // one that runs is stopped first; it can be deleted when it has ended
					return errors.Join(err, c.CancelPipelineJob(ctx, &aiplatformpb.CancelPipelineJobRequest{Name: name}))
				}
				return op.Wait(ctx)
			})
		}},
	{"Firestore database", []string{"state"}, "firestore-admin",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := firestore.NewFirestoreAdminClient(ctx, o...)
			return with(c, err, func(c *firestore.FirestoreAdminClient) error {
				list, err := c.ListDatabases(ctx, &adminpb.ListDatabasesRequest{Parent: s.project()})
				if err == nil && len(list.GetUnreachable()) > 0 {
					err = fmt.Errorf("the databases of %v cannot be listed", list.GetUnreachable())
				}
				for _, d := range list.GetDatabases() {
					err = errors.Join(err, visit(d.GetName(), ""))
				}
				return err
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := firestore.NewFirestoreAdminClient(ctx, o...)
			return with(c, err, func(c *firestore.FirestoreAdminClient) error {
				op, err := c.DeleteDatabase(ctx, &adminpb.DeleteDatabaseRequest{Name: name})
				if err != nil {
					return err
				}
				_, err = op.Wait(ctx)
				return err
			})
		}},
	{"Cloud Run service", []string{"schedule", "workflow"}, "run",
		func(ctx context.Context, s *Sweeper, o []option.ClientOption, visit visit) error {
			c, err := run.NewService(ctx, o...)
			if err != nil {
				return err
			}
			return c.Projects.Locations.Services.List(s.Parent()).Pages(ctx, func(r *run.GoogleCloudRunV2ListServicesResponse) error {
				for _, v := range r.Services {
					if err := visit(v.Name, ""); err != nil {
						return err
					}
				}
				return nil
			})
		},
		func(ctx context.Context, _ *Sweeper, o []option.ClientOption, name string) error {
			c, err := run.NewService(ctx, o...)
			if err != nil {
				return err
			}
			_, err = c.Projects.Locations.Services.Delete(name).Context(ctx).Do()
			return err
		}},
}

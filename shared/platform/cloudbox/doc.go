// Package cloudbox is a Google Cloud in a box: it runs the deploy unit on this
// machine as Google Cloud would, on strict fakes of its services.
//
// It promises that the functions are the deployed ones, in processes that talk through
// Google's official clients and with nothing else; that topics, subscriptions, bucket
// notifications, schedules and addresses come from functions.json, as Terraform makes
// them; and that everything it started ends with it. What each service does and refuses
// stands in the packages below shared/internal/gcpfake.
//
//	gateway     the API by its paths, the page, and /functions/<name>, on one loopback port
//	issuer      asks who one is and for no password: see Owner and Colleague
//	functions   one process each, or one for all (Options.Single); started at the first
//	            request and again after its end
//	buckets     in memory; those that engines read and write have a folder, as mounted
//	pipelines   the components run here, in a Python environment, and not in containers
//
// What it cannot show: IAM (any process of this machine may call any service, and
// post events to functions), quotas, latency, several instances of one function, and
// the container images.
//
// It refuses to keep anything: all data is gone when it ends. It is no product to run;
// the embedded platform is.
package cloudbox

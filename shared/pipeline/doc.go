// Package pipeline runs training pipelines: KFP v2 pipeline jobs.
//
// It promises idempotent submission, cancellation, and one StateChanged event
// at least once for every transition of the job and of each task; nothing polls.
//
// It refuses conditions, loops and nested pipelines: the product's pipelines
// are plain graphs of container components that follow the KFP executor contract.
package pipeline

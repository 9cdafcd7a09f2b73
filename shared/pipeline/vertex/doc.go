// Package vertex runs KFP v2 pipeline jobs on Vertex AI Pipelines.
//
// It promises idempotent submission: a job's id is its name at Vertex, so a second
// Submit, also one after a lost reply, finds the first job. Calls that may be repeated
// are, while Vertex is unavailable and the caller's context lives.
//
// Changes do not come from this driver. Vertex writes them to the log
// aiplatform.googleapis.com/pipeline_job_events; a log sink sends its entries to the
// topic pipeline.LogTopic, Noticed takes the job out of one, and Get with Job.Changes
// gives the transitions, the same ones however often and however late an entry comes.
// An entry's own words are not used: they are made for people and change.
//
// What of a job Vertex does not know, or knows otherwise:
//
//	job ids        begin with a letter: Prefix stands before ours
//	resources      cpuLimit and memoryLimit, as numbers, in place of quantities
//	caching        keys of ours do not exist there, and the run folder is an input of
//	               every task: the cache is off
//	whole numbers  beyond 2^53 do not survive; a spec that has one is refused
//	a failed task  says how its container ended; Get takes the reason, the exception
//	               it printed, from Cloud Logging
//	progress       comes as an object, pipeline.ProgressFile in the run folder
//
// It refuses run folders outside Cloud Storage, labels that Google Cloud does not take,
// and what package kfp refuses.
package vertex

// Package local runs KFP v2 pipeline jobs as Python processes on this machine.
//
// It promises the pipeline API's contract on one machine: a job's document is
// written before and after every step, so a job that was killed at any moment
// goes on at the first task without a complete output; every transition becomes
// an event, published from an outbox in the job's document; a child dies with
// its parent; Cancel kills the whole process group.
//
// One warm worker process runs the tasks of all jobs, one job after the other:
// importing TensorFlow costs ten seconds and half a gigabyte. Prewarm starts it
// while data is being prepared. Without Options.Warm each task is a process of
// its own, as on Vertex AI.
//
// It refuses container images: the executors' command lines must be those of
// the product's components, which it runs in Options.Python.
package local

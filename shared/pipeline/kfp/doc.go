// Package kfp writes and reads KFP v2 pipeline jobs.
//
// It promises that an experiment's graph (examples, statistics, schema,
// transform, trainer, evaluator) becomes the same bytes every time, that the
// official kfp schema accepts them, and that no compile container is needed.
//
// Build writes a job; Parse reads one back for drivers that run it themselves.
//
// It refuses what the product's pipelines do not use: conditions, loops,
// nested pipelines, importers, run-time lists and unknown fields.
package kfp

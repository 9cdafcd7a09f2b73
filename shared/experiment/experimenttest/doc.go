// Package experimenttest makes real parts for tests of experiments: stores,
// queue, buckets and warehouse on a test's own folder, with a dataset, a feature
// config and a model config in project "wholesale".
package experimenttest

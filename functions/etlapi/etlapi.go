// Package etlapi is the HTTP function of loads: connections, jobs, runs, uploads
// and the tables they fill.
//
// It promises that secrets go in and never come out, that a run is started once
// per key, and that nothing is stored which could not run.
//
// It refuses hosts that the installation's guard does not allow.
package etlapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Services is what the function asks of its platform.
type Services struct {
	ETL          *etl.Store
	Sources      *source.Registry
	Secrets      *secret.Store
	Uploads      *objects.Bucket
	Staging      *objects.Bucket
	Warehouse    *warehouse.Warehouse
	Workflows    *workflow.Engine
	Schedules    *schedule.Scheduler
	FunctionsURL string
}

const tag = "ETL"

// ID names one document.
type ID struct {
	ID string `path:"id" maxLength:"63"`
}

// Register adds the routes.
func Register(a huma.API, s Services) {
	s.registerConnections(a)
	s.registerJobs(a)
	s.registerRuns(a)
	s.registerUploads(a)
	s.registerTables(a)
}

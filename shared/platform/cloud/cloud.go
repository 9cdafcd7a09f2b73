// Package cloud is the place where the platform on Google Cloud is put together.
//
// It promises nothing yet but an honest answer: no driver for Google Cloud is part
// of this version, and Open says which are missing. The deploy unit builds, starts
// and decodes deliveries; a delivery that needs a service is refused with that
// answer and stays with its sender.
package cloud

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// missing drivers, by API.
const missing = "state, events, objects, warehouse, workflow, pipeline, schedule, secret, identity"

// Open builds the platform of this Google Cloud project. FailedPrecondition: this
// version has no drivers for it.
func Open(context.Context) (*platform.Platform, error) {
	return nil, problem.New(problem.FailedPrecondition, "this version has no drivers for Google Cloud").
		WithCause("the drivers of %s are missing", missing).
		WithNext(problem.TurnSupport, "Run the embedded platform: b2brecs serve.")
}

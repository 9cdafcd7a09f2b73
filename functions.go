// Package b2brecs registers the whole catalogue with the Functions Framework: it
// is what a cloud deploys, once per function, with FUNCTION_TARGET naming the
// function an instance runs. How one is served is in shared/platform/unit.
package b2brecs

import (
	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/platform/unit"
)

func init() { unit.Register(functions.Catalog()) }

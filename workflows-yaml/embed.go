// Package workflows holds the workflow definitions, for the platforms that run
// them from the binary.
package workflows

import "embed"

// Files are the definitions, by file name.
//
//go:embed *.yaml
var Files embed.FS

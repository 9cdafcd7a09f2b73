// Package runtime holds the Python package of the pipeline's components, for
// platforms that run them as local processes. The package itself is
// b2brecs_runtime, beside this file.
package runtime

import "embed"

// Files is the package's source, rooted at the folder that goes on PYTHONPATH.
//
//go:embed all:b2brecs_runtime
var Files embed.FS

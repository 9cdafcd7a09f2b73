// Command function is the deploy unit: it serves the function that
// FUNCTION_TARGET names on PORT (8080), as Cloud Run starts it. Without
// FUNCTION_TARGET it serves every function at /<name> and below: what follows the
// name is the path the function sees. LOCAL_ONLY=true binds to loopback.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "github.com/b2brecs/b2brecs" // registers the catalogue
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
)

func main() {
	// A wrong variable ends the start: Cloud Run goes on with the revision before.
	if err := cloud.Observe(context.Background(), os.Stderr); err != nil {
		slog.Error("the function does not start", "error", err)
		os.Exit(1)
	}
	host := ""
	if os.Getenv("LOCAL_ONLY") == "true" {
		host = "127.0.0.1"
	}
	if err := funcframework.StartHostPort(host, cmp.Or(os.Getenv("PORT"), "8080")); err != nil {
		slog.Error("the function ends", "error", err)
		os.Exit(1)
	}
}

package cloud

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/workflow/cloudworkflows"
)

// Observe makes the process's default logger, on w as Cloud Logging reads standard
// error, and its traces (shared/telemetry). It dials nothing. FailedPrecondition names a
// variable that is wrong.
func Observe(ctx context.Context, w io.Writer) error {
	project := os.Getenv("B2BRECS_PROJECT")
	slog.SetDefault(slog.New(telemetry.JSON(w, project)))
	// Nothing is exported at the end: the deploy unit flushes with every invocation.
	_, err := telemetry.Start(ctx, telemetry.Options{
		Service: cmp.Or(os.Getenv("FUNCTION_TARGET"), "b2brecs"), Project: project, Token: cloudworkflows.AccessToken(),
	})
	return err
}

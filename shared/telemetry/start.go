package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Options of Start.
type Options struct {
	// Service is the resource's service.name unless the environment has one. Required.
	Service string
	// Project of Google Cloud that the spans belong to; "" elsewhere. Its Telemetry API
	// wants it as the resource attribute gcp.project_id
	// (https://cloud.google.com/stackdriver/docs/reference/telemetry/v1.traces).
	Project string
	// Token authorizes exports to Google's Telemetry API; no other endpoint gets one.
	Token func(context.Context) (string, error)
}

// googleHost is Google's Telemetry API
// (https://cloud.google.com/stackdriver/docs/reference/telemetry/overview).
const googleHost = "telemetry.googleapis.com"

// Start makes the process's tracer provider and propagator, which the official clients
// use too, out of the standard variables
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). It
// dials nothing. stop exports what is left, until ctx ends. FailedPrecondition names a
// variable that is wrong.
func Start(ctx context.Context, o Options) (stop func(context.Context) error, err error) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetErrorHandler(&complaints{})
	nothing := func(context.Context) error { return nil }
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nothing, nil
	}
	endpoint, err := endpoint()
	if err != nil {
		return nothing, err
	}
	if endpoint == "" {
		// Ids are made, and nothing is recorded.
		otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample())))
		return nothing, nil
	}
	about := []attribute.KeyValue{semconv.ServiceName(o.Service)}
	if o.Project != "" {
		about = append(about, attribute.String("gcp.project_id", o.Project))
	}
	r, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(about...), resource.WithFromEnv())
	if err != nil {
		return nothing, wrong("OTEL_RESOURCE_ATTRIBUTES", "%s", err)
	}
	var options []otlptracegrpc.Option
	if u, err := url.Parse(endpoint); err == nil && u.Hostname() == googleHost && o.Token != nil {
		options = append(options, otlptracegrpc.WithDialOption(grpc.WithPerRPCCredentials(token(o.Token))))
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nothing, problem.Wrap(err, problem.FailedPrecondition, "spans cannot be exported to %s", endpoint)
	}
	// The sampler is the environment's; the SDK reads it.
	p := sdk.NewTracerProvider(sdk.WithResource(r), sdk.WithSpanProcessor(&bounded{SpanProcessor: sdk.NewBatchSpanProcessor(clean{exporter})}))
	otel.SetTracerProvider(p)
	return p.Shutdown, nil
}

// endpoint gives the address that spans are exported to, "" for none.
func endpoint() (string, error) {
	switch v := os.Getenv("OTEL_TRACES_EXPORTER"); v {
	case "", "otlp":
	case "none":
		return "", nil
	default:
		return "", wrong("OTEL_TRACES_EXPORTER", "%q is neither otlp nor none", v)
	}
	e := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	if e == "" {
		return "", nil
	}
	if u, err := url.Parse(e); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", wrong("OTEL_EXPORTER_OTLP_ENDPOINT", "%q is not an address like http://localhost:4317", scrub(e))
	}
	if v := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "grpc"); v != "grpc" {
		return "", wrong("OTEL_EXPORTER_OTLP_PROTOCOL", "%q is not grpc, the one that is spoken here", v)
	}
	return e, nil
}

func wrong(variable, format string, args ...any) error {
	return problem.New(problem.FailedPrecondition, "%s is wrong", variable).WithCause("%s", fmt.Sprintf(format, args...)).
		WithNext(problem.TurnYou, "Correct the variable, or unset it.")
}

// token is grpc's credentials.PerRPCCredentials.
type token func(context.Context) (string, error)

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (t token) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	v, err := t(ctx)
	return map[string]string{"authorization": "Bearer " + v}, err
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (token) RequireTransportSecurity() bool { return true }

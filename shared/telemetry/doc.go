// Package telemetry makes a run followable: spans, and the ids on every log line.
//
// An invocation is one request or event that a function handles. It is one span; spans
// of what it calls are below it. Its log lines carry the trace, the span, the function
// and the ids of what it is about: Add gives them to both, wherever they become known.
// A trace goes on from function to function by W3C traceparent: in requests, in events,
// in the arguments of workflows. Where no parent can be carried, the ids join the spans
// (docs/following-a-run.md).
//
// It promises
//   - the standard variables and no others: OTEL_EXPORTER_OTLP_ENDPOINT and its kin send
//     spans by OTLP over gRPC, OTEL_TRACES_SAMPLER chooses them, OTEL_SDK_DISABLED ends it;
//   - that without an endpoint nothing is recorded or dialled, and ids are made all the same;
//   - that an exporter which is away costs a function flushBound now and then, and no error;
//   - that what looks like a secret is cut out of log lines and spans: see scrub. It is the
//     last guard and not the first: who logs MUST NOT hand secrets to it.
//
// It refuses the name of a run in a span's name, payloads and SQL in spans, metrics, and
// OTLP over HTTP.
package telemetry

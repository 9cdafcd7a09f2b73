// Package rpc serves a fake of a Google Cloud service over gRPC on loopback.
//
// It promises what every strict fake needs: a request with fields that the protos do
// not know is refused, and any method can be made to fail before its effect, or after
// it, as a reply that is lost on the way.
//
// It refuses callers from other machines: it listens on loopback only, since a fake
// takes anybody for anybody.
package rpc

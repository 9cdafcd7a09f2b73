// Package secretmanager is a strict Secret Manager in the process, over gRPC, with
// memory behind it.
//
// It promises the methods of secrets and versions that the driver uses, and what
// the service documents about them: names, ids and labels are checked, replication
// and payloads are required, payloads hold 1 to 65,536 bytes and match their CRC32C,
// etags are compared, aliases name versions that exist, numbers count from 1 and are
// never used again, newest versions are listed first, and a version is destroyed
// once. Its names carry the project's number where a request may carry its id, as
// the service's do. Changes are seen at once, unlike the service's.
//
// It refuses, as Unimplemented, every field and method that nothing here uses.
package secretmanager

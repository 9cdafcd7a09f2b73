// Package objects keeps files: uploads, staged Parquet, run folders.
//
// It promises whole-object writes, listing in key order, and a finalize event
// at least once per completed write. It is gocloud.dev/blob plus that event, an
// address the platform's engines can read, and, where the store has a server, leave
// for a client to upload to it directly.
//
// It refuses appends and partial reads of objects still being written.
package objects

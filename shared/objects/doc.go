// Package objects keeps files: uploads, staged Parquet, run folders.
//
// It promises whole-object writes, listing in key order, and a finalize event
// at least once per completed write. It is gocloud.dev/blob plus that event and
// an address the platform's engines can read.
//
// It refuses appends and partial reads of objects still being written.
package objects

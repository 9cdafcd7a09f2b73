// Package storage runs Cloud Storage in the process: fake-gcs-server with memory
// behind it, and around it what that server lacks.
//
// It promises the JSON API for objects, V4 signed uploads that are checked (the
// signature by the account's public key, the time, every signed header, the size),
// faults on demand, and one finalize notification per written generation, in the
// shapes of Pub/Sub and of Eventarc, handed out after the object is visible and
// before its writer hears of it.
//
// It refuses what nothing here needs: form uploads, signed addresses for other
// methods than PUT, folders on disk, other notifications. Preconditions hold on
// writes alone; fake-gcs-server does not check them on deletions and copies. Of an
// upload in several requests no reply may be lost: fake-gcs-server would append
// the repeated part.
package storage

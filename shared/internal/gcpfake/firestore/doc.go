// Package firestore is an in-memory Firestore in Native mode, for tests and for
// running without an account: the service's own gRPC interface on loopback.
//
// It promises what Firestore documents of the calls that it has: BatchGetDocuments,
// BeginTransaction, Commit, Rollback, RunQuery, RunAggregationQuery and Listen. Commits are atomic; a
// transaction whose reads have changed is ABORTED; preconditions are kept; a write
// that changes nothing keeps its update time. Values sort by type and compare
// exactly, integers with doubles too. Names, sizes and depths outside the limits are
// errors, and so is an unknown database. A query that no index serves is
// FAILED_PRECONDITION, as it is in the service and in none of its emulators: the
// composite indexes and the exemptions come from a file in the Firebase CLI's format.
//
// It refuses, as UNIMPLEMENTED, what it does not have: aggregations but a count,
// partitions, offsets, projections but to the name, field masks, transforms, filters
// other than AND of == < <= > >=, reads of single documents in the past, queries in a
// transaction; arrays, points and vectors.
//
// It is written here because the emulators at hand fail what the drivers need: the
// npm package @firebase-bridge/firestore-admin rounds integers above 2^53 and gives
// documents without the order's field; none of them asks for an index.
//
// What it cannot prove: latency, quotas, hot spots, IAM. Who wins a conflict, and after
// how long, is its own choice, with locks and without. Its rule for indexes is the
// documented one, read strictly: what it accepts, the service should; not the other
// way round. It knows at least the last thousand changes: a listener that comes back
// from before them gets a RESET and everything anew, and a query of that time an error.
// A listener that comes back from behind them gets what has changed and an existence
// filter, and no word of what was deleted: the service may say more.
package firestore

// Package firestore is the driver of state on Firestore in Native mode.
//
// What is kept: the document x of the collection "a/id/b" is the Firestore document
// state/a%2Fid%2Fb/docs/x with the exact JSON as one string, and beside it the fields
// that the product's queries use, as native values, below "f". Fields that no query
// uses are in no index: every entry is paid for with every write. Queries is the one
// list of them, and indexes.json what the list needs; a query outside it is
// FailedPrecondition, and a string above 1,500 bytes in one of its fields is
// InvalidArgument, for Firestore would cut it. A field that joins the list is indexed
// for the documents written from then on. That all collections have one id, docs,
// makes one file of indexes serve every project and lets a watch follow a prefix.
//
// Version is Firestore's update time in microseconds: it grows across a delete, which
// a counter in the document would not, and needs no read before a write.
//
// Concurrency: transactions are Firestore's; each is tried once and a conflict is
// Unavailable. A commit whose answer is lost is rolled back and looked for: every
// write leaves a mark in its document, and the last eight marks stay; what reads and
// only deletes leaves it in a document of its own, commits/<mark>, until the answer is
// there. Found, the commit counts; not found, the portable type runs it again; when
// looking fails too, the outcome is unknown and Internal. It misses a commit whose
// documents were all deleted, replaced unread, or written eight times since.
//
// Queries: equalities and the range over the order's field are Firestore's work. A
// range over another field is checked here: such a query reads what it skips.
//
// Watch asks for what changes from now on: what is there costs it neither reads nor
// memory, which holds what is not told yet, 8 MiB at most. Where its stream breaks it
// goes on, and compares two counts; only when they differ, or the service begins anew,
// it lists the names of both moments to find what was deleted. Firestore's past reaches
// back an hour: what was deleted in a longer break is never told, and logged as lost.
//
// It refuses collection paths above 1,500 bytes, an id's limit. It cannot take more
// than some 500 writes a second into one collection, for ids that sort by time meet in
// one place (https://firebase.google.com/docs/firestore/best-practices#hotspots), nor
// much more than one a second into one document.
package firestore

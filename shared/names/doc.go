// Package names keeps the names that only one document of a collection may have.
//
// It promises that a name has at most one holder, under concurrent writes too: the
// names of a collection are documents of the collection beside it with "_names"
// added, and change in the transaction that changes the holder.
//
// It refuses nothing about the text of a name: its owner checks that.
package names

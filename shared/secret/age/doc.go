// Package age is the embedded driver of secrets: one file per secret, encrypted
// with age (https://age-encryption.org/v1) to a key that lies outside the data
// folder, so that a copy of the folder alone tells nothing.
//
// What is kept: the latest version only. Put replaces the file in one step and
// leaves nothing of the version before, which is stronger than disabling it.
//
// Concurrency: safe; of two writers of one id the later one stays, whole. Nothing
// is retried. A process killed during Put leaves the old version or the new one.
//
// It refuses a key file that others can read, one inside the folder it protects,
// and to make a new key where secrets exist that need the old one.
package age

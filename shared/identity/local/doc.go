// Package local is the identity provider of the embedded platform: built-in
// users, one-time sign-in codes, and tokens of the shape any OIDC issuer gives.
//
// What is kept: users (package people) and code hashes in state, the signing keys as one secret,
// newest first. Tokens are not kept: they are signed (Ed25519) and end by
// themselves, a person's after 12 hours, a service's after 10 minutes. A person's
// role is read afresh at every check, so a changed or removed account takes
// effect at once.
//
// Codes carry 192 random bits, are kept as a SHA-256, work once and end after 15
// minutes. Wrong, used and late codes are not told apart.
//
// Rotation: Rotate puts a new key in front; the one before goes on verifying, so
// sessions live on. Two rotations within 12 hours end the sessions of before the
// first.
//
// Concurrency: safe, and for several processes on one state and one secret store:
// a token of an unknown key makes a process read the keys again. Nothing is
// retried besides what state retries.
package local

// Package oidc verifies the tokens of OpenID Connect issuers: those of people, from
// Identity Platform or any other issuer, and those Google signs for services.
//
// It promises that a token is taken only when
//
//	its issuer     is one of the installation's, and signed it with a key it publishes
//	its audience   is a client id of that issuer (people), the functions' URL or an
//	               address under it (services)
//	it has begun   and has not ended, with Skew for clocks that differ
//	its e-mail     is one the issuer calls verified, and is in the list of package
//	               people, is the configured owner's, or is a service account's of
//	               the installation
//
// The role of a person comes from the list, read afresh at every check, and never
// from the token. The list knows a person by the e-mail address in lower case: every
// configured issuer is trusted for every address it calls verified. The configured
// owner gets an account with the role owner when they first come to a function that may
// write the state, and is the owner before that wherever they come; after that the list
// decides. An owner's account that is removed is made again when they come: who shall
// not come any more is taken out of the configuration first.
//
// What the token is worth and what the person may do are told apart: a token that is
// not taken is Unauthenticated, a known caller without an account PermissionDenied.
// An issuer that cannot be reached is Unavailable.
//
// Keys: discovery and keys are read at the first token of an issuer, again when a
// token names a key that is not known (an issuer rotated; at most once in 5 seconds,
// so that made-up tokens cost an issuer nothing), and once an hour, so that a
// withdrawn key ends. While the issuer cannot be reached the known keys go on.
//
// It refuses symmetric signatures and "none", tokens that name no key, and what only
// the issuer can know: a session that was ended before its token.
//
// Service tokens come from the metadata server, or from the service account that the
// environment names; they carry the service account's e-mail address.
package oidc

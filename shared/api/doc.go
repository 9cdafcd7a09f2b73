// Package api is what the HTTP functions share: registration with a role,
// RFC 9457 problem documents, cursor paging, authentication, and the OpenAPI
// document.
//
// It promises that every operation checks a token and a role, but for those that say
// they are anonymous, and that every failure is a problem document with code, cause,
// next step and whose turn it is.
//
// It refuses an operation without a role that does not say so: that is a panic at
// start-up.
package api

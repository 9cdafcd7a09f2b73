// Package api is what the HTTP functions share: registration with a role,
// RFC 9457 problem documents, cursor paging, authentication, and the OpenAPI
// document.
//
// It promises that every operation checks a token and a role, and that every
// failure is a problem document with code, cause, next step and whose turn it is.
//
// It refuses anonymous operations: one registered without a role is a panic at
// start-up.
package api

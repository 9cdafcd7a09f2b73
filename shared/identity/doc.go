// Package identity says who calls: it verifies OIDC tokens, carries the caller
// in the context, answers role questions and says how people sign in. It promises
// the same checks for people and services. It refuses anonymous calls.
package identity

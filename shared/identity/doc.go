// Package identity says who calls: it verifies OIDC tokens, carries the caller
// in the context and answers role questions. It promises the same checks for
// people and services. It refuses anonymous calls.
package identity

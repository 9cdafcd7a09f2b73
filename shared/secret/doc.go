// Package secret keeps credentials apart from state. It promises that a payload
// is readable only through Get by the code that uses it. It refuses listing.
package secret

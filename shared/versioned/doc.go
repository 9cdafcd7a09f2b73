// Package versioned keeps named documents whose definition has versions:
// feature configs and model configs.
//
// It promises names that are unique within a project even under concurrent
// writes, a new version only when the definition changed, and versions that
// never change and can always be read again by those who pinned them.
//
// It refuses to delete what something else still needs: the caller names the
// dependants.
package versioned

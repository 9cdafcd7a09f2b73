package telemetry

import (
	"regexp"
	"strings"
)

var (
	// A user in an address: postgres://user:password@host. A password may hold an @.
	userInfo = regexp.MustCompile(`://[^\s"'<>]*@`)
	// The query of an address: signatures, sign-in codes, upload ids that need no token.
	query = regexp.MustCompile(`(://[^\s"'<>?]*\?)[^\s"'<>]+`)
	// Credentials of an Authorization header.
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	// name=value and "name": "value", as connection strings and documents have them; within
	// a quoted text the quotes have backslashes.
	named = regexp.MustCompile(`(?i)\b(\w*` + secretName + `)(\\*["']?\s*[=:]\s*\\*)("[^"]*"|'[^']*'|[^\s"',;&)}]+)`)
	// The key of an attribute whose value is one.
	secretKey = regexp.MustCompile(`(?i)` + secretName + `$`)
)

const secretName = `(?:password|passwd|pwd|secret|token|signature|api[_-]?key)`

// scrub cuts out what looks like a secret: users and queries of addresses, bearer tokens,
// values that are named like one.
func scrub(s string) string {
	if strings.Contains(s, "://") {
		s = query.ReplaceAllString(userInfo.ReplaceAllString(s, "://***@"), "$1***")
	}
	if strings.ContainsAny(s, " =:") {
		s = named.ReplaceAllString(bearer.ReplaceAllString(s, "$1 ***"), "$1$2***")
	}
	return s
}

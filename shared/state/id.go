package state

import (
	"strings"

	"github.com/oklog/ulid/v2"
)

// NewID makes a lower-case id of 26 characters that sorts by creation time (ULID,
// https://github.com/ulid/spec): 48 bits of milliseconds, 80 random bits.
func NewID() string { return strings.ToLower(ulid.Make().String()) }

package folder

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gocloud.dev/gcerrors"
)

// reserved is the folder of the driver's own files inside the bucket.
const reserved = ".b2brecs"

// validKey refuses keys that are not a plain path below the folder.
func validKey(key string) error {
	bad := func(why string) error {
		return fail(gcerrors.InvalidArgument, "the key %s", why)
	}
	switch {
	case key == "":
		return bad("is empty")
	case len(key) > 1024:
		return bad("is longer than 1024 bytes")
	case !utf8.ValidString(key):
		return bad("is not UTF-8")
	case strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }):
		return bad("contains a control character or a backslash")
	}
	for i, part := range strings.Split(key, "/") {
		switch {
		case part == "":
			return bad("has an empty part")
		case part == "." || part == "..":
			return bad("has a dot part")
		case len(part) > 255:
			return bad("has a part longer than 255 bytes")
		case i == 0 && strings.EqualFold(part, reserved):
			return bad("is in the reserved folder")
		}
	}
	return nil
}

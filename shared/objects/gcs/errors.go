package gcs

import (
	"errors"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/storage"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// told makes a problem about key of a driver's error.
func told(err error, key string) error {
	return problem.Wrap(err, objects.Code(errorCode(err)), "object %q", key)
}

// errorCode gives the code gocloud.dev asks for. What the service may answer
// otherwise the next time has no code there: Unknown, which objects.Code maps back.
func errorCode(err error) gcerrors.ErrorCode {
	code := gcp.Code(err)
	var p *problem.Error
	switch {
	case errors.Is(err, storage.ErrBucketNotExist): // an installation without its bucket, not an absent object
		return gcerrors.FailedPrecondition
	case errors.Is(err, storage.ErrObjectNotExist):
		return gcerrors.NotFound
	case errors.As(err, &p):
		code = p.Code
	}
	switch code {
	case problem.NotFound:
		return gcerrors.NotFound
	case problem.AlreadyExists:
		return gcerrors.AlreadyExists
	case problem.FailedPrecondition:
		return gcerrors.FailedPrecondition
	case problem.InvalidArgument:
		return gcerrors.InvalidArgument
	case problem.PermissionDenied, problem.Unauthenticated:
		return gcerrors.PermissionDenied
	case problem.ResourceExhausted:
		return gcerrors.ResourceExhausted
	case problem.Cancelled:
		return gcerrors.Canceled
	}
	return gcerrors.Unknown
}

// checkKey applies the rules for object names
// (https://cloud.google.com/storage/docs/objects#naming).
func checkKey(key string) error {
	why := ""
	switch {
	case key == "":
		why = "is empty"
	case len(key) > 1024:
		why = "is longer than 1024 bytes"
	case !utf8.ValidString(key):
		why = "is not UTF-8"
	case strings.ContainsAny(key, "\r\n"):
		why = "contains a line break"
	case key == "." || key == ".." || strings.HasPrefix(key, ".well-known/acme-challenge/"):
		why = "is reserved"
	default:
		return nil
	}
	return problem.New(problem.InvalidArgument, "the key %s", why)
}

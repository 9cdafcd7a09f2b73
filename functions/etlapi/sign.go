package etlapi

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// UploadInput announces a file.
type UploadInput struct {
	Key         string `json:"key" maxLength:"1024" doc:"The file's name in the uploads bucket, with slashes."`
	Size        int64  `json:"size" minimum:"1" doc:"In bytes; the upload is refused when more comes."`
	ContentType string `json:"content_type,omitempty" maxLength:"255" pattern:"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$" doc:"application/octet-stream when left out; the upload is refused with another one."`
}

type signUpload struct{ Body UploadInput }

// UploadWay is one request that brings the file: the same words on every platform.
type UploadWay struct {
	Key     string            `json:"key"`
	Method  string            `json:"method"`
	URL     string            `json:"url" doc:"Absolute, or a path of this API."`
	Headers map[string]string `json:"headers" nullable:"false" doc:"To be sent as they are."`
	Signed  bool              `json:"signed" doc:"true: the address is the leave itself; send no token with it and keep it to yourself. false: an operation of this API, with the token as ever."`
	Expires time.Time         `json:"expires,omitzero" doc:"The request must have begun by then; of signed addresses alone."`
}

const (
	// signedLife is how long a signed address waits for its request to begin.
	signedLife = 15 * time.Minute
	// maxUpload is the largest object (https://cloud.google.com/storage/quotas#objects), 5 TiB.
	maxUpload = 5 << 40
)

// sign says how to bring a file: straight into the bucket where its service takes it,
// since a function takes 32 MiB at most there, and otherwise through putUpload.
func (s Services) sign(ctx context.Context, key string, size int64, contentType string) (UploadWay, error) {
	if err := checkKey(key); err != nil {
		return UploadWay{}, err
	}
	if size > maxUpload {
		return UploadWay{}, problem.New(problem.InvalidArgument, "a file of %d bytes is too large", size).
			WithField("body.size", "is at most %d", int64(maxUpload)).WithNext(problem.TurnYou, "Bring it in several files below one folder.")
	}
	contentType = cmp.Or(contentType, "application/octet-stream")
	way := UploadWay{Key: key, Method: http.MethodPut}
	if !s.Uploads.Signs() {
		way.URL, way.Headers = "/v1/uploads/"+url.PathEscape(key), map[string]string{"Content-Type": contentType}
		return way, nil
	}
	up, err := s.Uploads.SignedUpload(ctx, key, contentType, size, signedLife)
	if err != nil {
		return UploadWay{}, err
	}
	way.URL, way.Headers, way.Expires, way.Signed = up.URL, up.Headers, up.Expires, true
	return way, nil
}

// checkKey takes what is a plain path below the bucket on every platform: a key that
// one would take and another refuse, or read as another file's, is no name for a file.
func checkKey(key string) error {
	why := ""
	switch {
	case key == "":
		why = "is empty"
	case len(key) > 1024:
		why = "is longer than 1024 bytes"
	case !utf8.ValidString(key):
		why = "is not UTF-8"
	case strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }):
		why = "contains a control character or a backslash"
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case why != "":
		case part == "":
			why = "begins or ends with a slash, or has two together"
		case part == "." || part == "..":
			why = "has a part that is only dots"
		case len(part) > 255:
			why = "has a part longer than 255 bytes"
		}
	}
	if why == "" {
		return nil
	}
	return problem.New(problem.InvalidArgument, "a file cannot be uploaded under this name").WithField("key", "%s", why).
		WithNext(problem.TurnYou, "Give it a name like sales/2026.csv.")
}

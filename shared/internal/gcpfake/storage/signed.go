package storage

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sizeRange bounds the content of a signed upload
// (https://cloud.google.com/storage/docs/xml-api/reference-headers#xgoogcontentlengthrange).
const sizeRange = "X-Goog-Content-Length-Range"

const (
	algorithm  = "GOOG4-RSA-SHA256"
	dateFormat = "20060102T150405Z"
	longest    = 7 * 24 * time.Hour // https://cloud.google.com/storage/docs/access-control/signed-urls#example
)

// checkSigned checks a V4 signed request
// (https://cloud.google.com/storage/docs/authentication/canonical-requests) and
// gives the status of a refusal. It reads the body.
func (s *Server) checkSigned(r *http.Request) (int, error) {
	q := r.URL.Query()
	signature, err := hex.DecodeString(q.Get("X-Goog-Signature"))
	q.Del("X-Goog-Signature")
	account, scope, _ := strings.Cut(q.Get("X-Goog-Credential"), "/")
	key := s.opts.Signers[account]
	at, badTime := time.Parse(dateFormat, q.Get("X-Goog-Date"))
	seconds, badExpiry := strconv.Atoi(q.Get("X-Goog-Expires"))
	life := time.Duration(seconds) * time.Second
	names := strings.Split(q.Get("X-Goog-SignedHeaders"), ";")
	switch {
	case r.Method != http.MethodPut:
		return http.StatusNotImplemented, errors.New("signed requests write")
	case q.Get("X-Goog-Algorithm") != algorithm || err != nil || badTime != nil || badExpiry != nil || seconds <= 0:
		return http.StatusBadRequest, errors.New("InvalidArgument: the signature's parameters are malformed")
	case life > longest:
		return http.StatusBadRequest, errors.New("InvalidArgument: X-Goog-Expires is longer than seven days")
	case time.Now().Before(at.Add(-15*time.Minute)) || time.Now().After(at.Add(life)):
		return http.StatusBadRequest, errors.New("ExpiredToken")
	case scope != at.Format("20060102")+"/auto/storage/goog4_request" || !slices.Contains(names, "host") || !slices.IsSorted(names):
		return http.StatusBadRequest, errors.New("InvalidArgument: the credential scope or the signed headers are malformed")
	case key == nil:
		return http.StatusForbidden, fmt.Errorf("AccessDenied: %q signs nothing here", account)
	}
	for name := range r.Header { // every extension header MUST be signed
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-goog-") && !slices.Contains(names, lower) {
			return http.StatusBadRequest, fmt.Errorf("MalformedSecurityHeader: %s is not signed", name)
		}
	}
	sum := sha256.Sum256([]byte(canonical(r, q, names)))
	text := strings.Join([]string{algorithm, q.Get("X-Goog-Date"), scope, hex.EncodeToString(sum[:])}, "\n")
	digest := sha256.Sum256([]byte(text))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		return http.StatusForbidden, errors.New("SignatureDoesNotMatch")
	}
	return checkSize(r)
}

// canonical is the canonical request.
func canonical(r *http.Request, q url.Values, names []string) string {
	lines := []string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(q.Encode(), "+", "%20")}
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value, _, _ = strings.Cut(r.Host, ":")
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(append(lines, "", strings.Join(names, ";"), "UNSIGNED-PAYLOAD"), "\n")
}

func checkSize(r *http.Request) (int, error) {
	bounds := r.Header.Get(sizeRange)
	if bounds == "" {
		return 0, nil
	}
	from, to, _ := strings.Cut(bounds, ",")
	least, err := strconv.ParseInt(from, 10, 64)
	most, err2 := strconv.ParseInt(to, 10, 64)
	if err != nil || err2 != nil || least < 0 || most < least {
		return http.StatusBadRequest, fmt.Errorf("InvalidArgument: %s: %q", sizeRange, bounds)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch n := int64(len(body)); {
	case err != nil:
		return http.StatusBadRequest, fmt.Errorf("IncompleteBody: %w", err)
	case n > most:
		return http.StatusBadRequest, errors.New("EntityTooLarge")
	case n < least:
		return http.StatusBadRequest, errors.New("EntityTooSmall")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return 0, nil
}

package gcptest

import (
	"crypto/rand"
	"path"
	"strconv"
	"strings"
	"time"
)

// Prefix begins the names of all that verification makes. Where a hyphen is not
// allowed, as in BigQuery, an underscore stands for each.
const Prefix = "b2brecs-verify-"

// Label marks what cannot be found by its name; its value is the run.
const Label = "b2brecs-verify"

// A run is its beginning in seconds since 1970, base 36, which has six digits until
// 2038, and four random ones: short, for names of 63 characters hold an id beside it.
const (
	timeDigits = 6
	runDigits  = timeDigits + 4
)

// NewRun names a run that begins now.
func NewRun(now time.Time) string {
	random := strings.ToLower(rand.Text())[:runDigits-timeDigits] // of base 32
	return strconv.FormatInt(now.Unix(), 36) + random
}

// Begun reads the run of a name that verification gave, whatever path stands before it,
// and when the run began. Other names are not verification's.
func Begun(name string) (run string, at time.Time, ok bool) {
	name = strings.ReplaceAll(path.Base(name), "_", "-")
	for _, driver := range []string{"b2brecs-schedule-", "run-"} { // drivers put these before ids
		name = strings.TrimPrefix(name, driver)
	}
	rest, ours := strings.CutPrefix(name, Prefix)
	if !ours || len(rest) <= runDigits || rest[runDigits] != '-' {
		return "", time.Time{}, false
	}
	return BegunRun(rest[:runDigits])
}

// BegunRun is Begun of the run itself, the value of Label.
func BegunRun(s string) (run string, at time.Time, ok bool) {
	if len(s) != runDigits || strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return "", time.Time{}, false
	}
	seconds, err := strconv.ParseInt(s[:timeDigits], 36, 64)
	return s, time.Unix(seconds, 0), err == nil
}

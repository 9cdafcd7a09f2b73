// Package schedule calls functions at the times of a cron expression in an
// IANA time zone. It promises at-least-once firing, pause, resume and run-now.
// It refuses to guess: a malformed expression or zone is an error.
package schedule

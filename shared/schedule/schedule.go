package schedule

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Schedule calls a function at the times of a cron expression.
type Schedule struct {
	ID   string `json:"id"`
	Cron string `json:"cron"` // five fields, e.g. "15 2 * * *"
	// TimeZone is an IANA name, e.g. "Europe/Warsaw". When clocks change, a local time
	// that does not exist is left out and one that comes twice fires twice.
	TimeZone string `json:"time_zone"`
	// Function is the catalogue name of an HTTP function; it is called by POST
	// with Path appended, Body as JSON, a service token, and the headers
	// X-B2brecs-Schedule (ID) and X-B2brecs-Schedule-Time (RFC 3339, the planned minute).
	Function string          `json:"function"`
	Path     string          `json:"path"`
	Body     json.RawMessage `json:"body,omitempty"`
	Paused   bool            `json:"paused"`
	// Next and Last are filled on read; Last is the last planned time that ran.
	Next time.Time `json:"next,omitzero"`
	Last time.Time `json:"last,omitzero"`
	// LastError is filled on read: why the newest firing failed; "" when it did not.
	LastError string `json:"last_error,omitempty"`
}

// The headers of a firing.
const (
	HeaderID   = "X-B2brecs-Schedule"
	HeaderTime = "X-B2brecs-Schedule-Time" // the planned minute, in UTC as RFC 3339
)

// id is what Cloud Scheduler takes
// (https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs).
var id = regexp.MustCompile(`^[A-Za-z0-9_-]{1,500}$`)

// Validate refuses a schedule no driver could keep, with all findings at once.
func (s Schedule) Validate() error {
	p := problem.New(problem.InvalidArgument, "the schedule cannot be kept")
	if !id.MatchString(s.ID) {
		p = p.WithField("id", "%.40q needs 1 to 500 letters, digits, hyphens and underscores", s.ID)
	}
	if s.Function == "" {
		p = p.WithField("function", "names the function to call")
	}
	if len(s.Body) > 0 && !json.Valid(s.Body) {
		p = p.WithField("body", "is not JSON")
	}
	if _, err := Parse(s.Cron, s.TimeZone); err != nil {
		p.Fields = append(p.Fields, problem.Of(err).Fields...)
	}
	if len(p.Fields) > 0 {
		p.Cause = p.Fields[0].Location + ": " + p.Fields[0].Message
		return p
	}
	return nil
}

// Driver keeps schedules and fires them at least once per planned time while
// it runs. Of the times missed while it did not, it fires the newest one only.
type Driver interface {
	// Put creates or replaces. s has passed Validate. With an unchanged expression
	// and zone the times owed and run stay as they are; a changed one starts now.
	Put(ctx context.Context, s Schedule) error
	Get(ctx context.Context, id string) (Schedule, error) // NotFound when absent
	List(ctx context.Context) ([]Schedule, error)         // by id
	Delete(ctx context.Context, id string) error          // absent is not an error
	Pause(ctx context.Context, id string, paused bool) error
	// RunNow fires once at once, paused or not, and waits for the outcome. It
	// does not count as a planned time.
	RunNow(ctx context.Context, id string) error
	Close() error
}

// Scheduler is the portable type.
type Scheduler struct{ Driver }

// New makes a scheduler on a driver.
func New(drv Driver) *Scheduler { return &Scheduler{drv} }

// Put creates or replaces a schedule. A bad one is InvalidArgument, with its fields.
func (s *Scheduler) Put(ctx context.Context, v Schedule) error {
	if err := v.Validate(); err != nil {
		return err
	}
	v.Next, v.Last, v.LastError = time.Time{}, time.Time{}, ""
	return s.Driver.Put(ctx, v)
}

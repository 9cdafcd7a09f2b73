package schedule

import (
	"context"
	"encoding/json"
	"time"
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
}

// Driver keeps schedules and fires them at least once per planned time while
// it runs. Of the times missed while it did not, it fires the newest one only.
type Driver interface {
	// Put creates or replaces. A bad cron or zone is InvalidArgument.
	Put(ctx context.Context, s Schedule) error
	Get(ctx context.Context, id string) (Schedule, error) // NotFound when absent
	List(ctx context.Context) ([]Schedule, error)         // by id
	Delete(ctx context.Context, id string) error          // absent is not an error
	Pause(ctx context.Context, id string, paused bool) error
	// RunNow fires once at once, paused or not.
	RunNow(ctx context.Context, id string) error
	Close() error
}

// Scheduler is the portable type.
type Scheduler struct{ Driver }

// New makes a scheduler on a driver.
func New(drv Driver) *Scheduler { return &Scheduler{drv} }

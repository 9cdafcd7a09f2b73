package cloudscheduler

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Planned gives requests of Cloud Scheduler the header of package schedule, made of
// X-CloudScheduler-ScheduleTime
// (https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#HttpTarget).
// A request of RunNow may come without it: its time is the present minute. A time that
// cannot be read leaves the header out. Other requests stay as they are.
func Planned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-CloudScheduler") != "true" {
			next.ServeHTTP(w, r)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Del(schedule.HeaderTime)
		at := time.Now()
		if sent := r.Header.Get("X-CloudScheduler-ScheduleTime"); sent != "" {
			var err error
			if at, err = time.Parse(time.RFC3339, sent); err != nil {
				slog.WarnContext(r.Context(), "the planned time of a schedule cannot be read", "schedule", r.Header.Get(schedule.HeaderID), "time", sent)
				next.ServeHTTP(w, r)
				return
			}
		}
		r.Header.Set(schedule.HeaderTime, at.UTC().Truncate(time.Minute).Format(time.RFC3339))
		next.ServeHTTP(w, r)
	})
}

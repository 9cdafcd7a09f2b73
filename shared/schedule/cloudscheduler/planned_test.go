package cloudscheduler

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/schedule"
)

func TestPlanned(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers map[string]string
		want    string
	}{
		{"a person", map[string]string{"X-CloudScheduler-ScheduleTime": "2026-03-01T02:15:00Z"}, ""},
		{"the embedded clock", map[string]string{schedule.HeaderTime: "2026-03-01T02:15:00Z"}, "2026-03-01T02:15:00Z"},
		{"UTC", map[string]string{"X-CloudScheduler": "true", "X-CloudScheduler-ScheduleTime": "2026-03-01T02:15:00Z"}, "2026-03-01T02:15:00Z"},
		{"offset", map[string]string{"X-CloudScheduler": "true", "X-CloudScheduler-ScheduleTime": "2026-03-01T02:15:00-07:00"}, "2026-03-01T09:15:00Z"},
		{"fraction", map[string]string{"X-CloudScheduler": "true", "X-CloudScheduler-ScheduleTime": "2026-03-01T02:15:00.419713Z"}, "2026-03-01T02:15:00Z"},
		{"unreadable", map[string]string{"X-CloudScheduler": "true", "X-CloudScheduler-ScheduleTime": "soon", schedule.HeaderTime: "x"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/f", nil)
			for k, v := range tc.headers {
				r.Header.Set(k, v)
			}
			Planned(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get(schedule.HeaderTime); got != tc.want {
					t.Errorf("%q, want %q", got, tc.want)
				}
			})).ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/f", nil)
	r.Header.Set("X-CloudScheduler", "true")
	Planned(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, err := time.Parse(time.RFC3339, r.Header.Get(schedule.HeaderTime))
		if ago := time.Since(got); err != nil || ago < 0 || ago > 2*time.Minute {
			t.Errorf("%v, %v", got, err)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}

package convert

import (
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	for _, c := range []struct {
		in    string
		order Order
		want  string // RFC 3339 with nanoseconds; "" = refused
	}{
		{"2024-05-06", YMD, "2024-05-06T00:00:00Z"},
		{"2024-05-06 07:08:09", YMD, "2024-05-06T07:08:09Z"},
		{"2024-05-06T07:08:09.123456+02:00", YMD, "2024-05-06T05:08:09.123456Z"},
		{"2024-05-06T07:08:09.1234567Z", YMD, "2024-05-06T07:08:09.123456Z"},
		{"2024-05-06T07:08:09.5Z", YMD, "2024-05-06T07:08:09.5Z"},
		{"2024/5/6 7:08", DMY, "2024-05-06T07:08:00Z"},
		{"20240506", YMD, "2024-05-06T00:00:00Z"},
		{"06.05.2024 07:08", DMY, "2024-05-06T07:08:00Z"},
		{"6/5/24", DMY, "2024-05-06T00:00:00Z"},
		{"6/5/70", DMY, "1970-05-06T00:00:00Z"},
		{"5/6/2024 07:08 PM", MDY, "2024-05-06T19:08:00Z"},
		{"5/6/2024 12:08 am", MDY, "2024-05-06T00:08:00Z"},
		{"6 May 2024", YMD, "2024-05-06T00:00:00Z"},
		{"06-May-24 07:08:09", YMD, "2024-05-06T07:08:09Z"},
		{"May 6, 2024, 07:08", YMD, "2024-05-06T07:08:00Z"},
		{"Sept 6, 2024", YMD, "2024-09-06T00:00:00Z"},
		{"18:53:06", YMD, "1970-01-01T18:53:06Z"},
		{"2024-05-06 07:08:09 UTC", YMD, "2024-05-06T07:08:09Z"},
		{"2024-05-06 07:08:09-0330", YMD, "2024-05-06T10:38:09Z"},
		{"2024-02-29", YMD, "2024-02-29T00:00:00Z"},
		{"2023-02-29", YMD, ""},
		{"2024-13-01", YMD, ""},
		{"31.04.2024", DMY, ""},
		{"13/05/2024", MDY, ""},
		{"06/05/2024", YMD, ""},
		{"2024-05-06 25:00", YMD, ""},
		{"2024-05-06x", YMD, ""},
		{"hello there", YMD, ""},
		{"12345", YMD, ""},
		{"0000-00-00", YMD, ""},
		{"2024-05/06", YMD, ""},
	} {
		m, ok := ParseMoment([]byte(c.in), c.order)
		got := ""
		if ok {
			got = time.UnixMicro(m.UnixMicros()).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%q as %s = %q, want %q", c.in, c.order, got, c.want)
		}
	}
}

func TestDaysAgreesWithTime(t *testing.T) {
	for d := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 10000; d = d.AddDate(0, 0, 97) {
		y, m, day := d.Date()
		if got, want := days(y, int(m), day), d.Unix()/86400; got != want {
			t.Fatalf("%s: %d days, want %d", d.Format(time.DateOnly), got, want)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, s := range []string{"2024-05-06T07:08:09.1Z", "6/5/24 1:02 PM", "May 6, 2024", "20240506", "1:23"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, o := range []Order{YMD, DMY, MDY} {
			if m, ok := ParseMoment([]byte(s), o); ok && m.HasDate && !validDate(m.Year, m.Month, m.Day) {
				t.Fatalf("%q gave %+v", s, m)
			}
		}
	})
}

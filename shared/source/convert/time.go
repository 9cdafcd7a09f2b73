package convert

import "time"

// Order of the parts of a date.
type Order string

const (
	YMD Order = "ymd"
	DMY Order = "dmy"
	MDY Order = "mdy"
)

// Moment is a date and time of day as read, before any type is chosen.
type Moment struct {
	Year, Month, Day int
	Micros           int64 // of the day
	Offset           int64 // seconds east of UTC
	HasDate, HasTime bool
	Zoned            bool
}

const (
	secondsPerDay = 86_400
	microsPerDay  = secondsPerDay * 1_000_000
)

// Days since 1970-01-01.
func (m Moment) Days() int64 { return days(m.Year, m.Month, m.Day) }

// UnixMicros of the moment; without a zone it is UTC, without a date 1970-01-01.
func (m Moment) UnixMicros() int64 {
	if !m.HasDate {
		return m.Micros - m.Offset*1_000_000
	}
	return m.Days()*microsPerDay + m.Micros - m.Offset*1_000_000
}

// days counts days from 1970-01-01 in the proleptic Gregorian calendar
// (H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil).
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

var monthDays = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func validDate(y, m, d int) bool {
	if y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > monthDays[m-1] {
		return false
	}
	return m != 2 || d < 29 || y%4 == 0 && (y%100 != 0 || y%400 == 0)
}

// ParseMoment reads a date, a time of day, or both: "2024-05-06", "6.5.2024 7:08",
// "2024-05-06T07:08:09.123456+02:00", "05/06/24 07:08 PM", "6 May 2024", "20240506",
// "07:08:09". order says what two-part ambiguous dates mean.
func ParseMoment(b []byte, order Order) (m Moment, ok bool) {
	if len(b) < 4 || len(b) > 40 {
		return m, false
	}
	i := 0
	if !timeFirst(b) {
		if i, ok = m.date(b, order); !ok {
			return m, false
		}
		m.HasDate = true
		if i == len(b) {
			return m, true
		}
		switch {
		case b[i] == 'T' || b[i] == 't' || b[i] == ' ':
			i++
			for i < len(b) && b[i] == ' ' {
				i++
			}
		case b[i] == ',' && i+1 < len(b) && b[i+1] == ' ':
			i += 2
		default:
			return m, false
		}
	}
	return m, m.clock(b[i:])
}

// timeFirst reports whether text begins with a time of day: a colon after one or two digits.
func timeFirst(b []byte) bool { return b[1] == ':' || b[2] == ':' }

func (m *Moment) date(b []byte, order Order) (int, bool) {
	var part [3]int
	var width [3]int
	named := -1
	i := 0
	var sep byte
	for p := range 3 {
		start := i
		switch {
		case i < len(b) && isDigit(b[i]):
			for i < len(b) && isDigit(b[i]) && i-start < 8 {
				part[p] = part[p]*10 + int(b[i]-'0')
				i++
			}
		case i < len(b) && isLetter(b[i]) && named < 0:
			for i < len(b) && isLetter(b[i]) {
				i++
			}
			part[p] = monthOf(b[start:i])
			if part[p] == 0 {
				return 0, false
			}
			named = p
			if i < len(b) && b[i] == '.' && i+1 < len(b) && b[i+1] == ' ' {
				i++
			}
		default:
			return 0, false
		}
		width[p] = i - start
		if p == 0 && width[0] == 8 && named < 0 { // compact
			m.Year, m.Month, m.Day = part[0]/10000, part[0]/100%100, part[0]%100
			return i, validDate(m.Year, m.Month, m.Day)
		}
		if p == 2 {
			break
		}
		if i >= len(b) {
			return 0, false
		}
		c := b[i]
		switch {
		case c == ',' && named >= 0 && i+1 < len(b) && b[i+1] == ' ':
			i += 2
		case (c == '-' || c == '/' || c == '.' || c == ' ' && (named >= 0 || i+1 < len(b) && isLetter(b[i+1]))) && (sep == 0 || c == sep):
			sep = c
			i++
		default:
			return 0, false
		}
	}
	switch {
	case named == 1 && width[0] <= 2: // 6 May 2024
		m.Day, m.Month, m.Year = part[0], part[1], part[2]
		width[0] = width[2]
	case named == 1: // 2024 May 6
		m.Year, m.Month, m.Day = part[0], part[1], part[2]
	case named == 0: // May 6, 2024
		m.Month, m.Day, m.Year = part[0], part[1], part[2]
		width[0] = width[2]
	case named == 2:
		return 0, false
	case width[0] == 4:
		m.Year, m.Month, m.Day = part[0], part[1], part[2]
	case width[0] > 2 || width[1] > 2:
		return 0, false
	case order == DMY:
		m.Day, m.Month, m.Year = part[0], part[1], part[2]
		width[0] = width[2]
	case order == MDY:
		m.Month, m.Day, m.Year = part[0], part[1], part[2]
		width[0] = width[2]
	default:
		return 0, false
	}
	switch width[0] { // of the year
	case 4:
	case 2: // POSIX: 69 to 99 are of the last century
		if m.Year += 2000; m.Year >= 2069 {
			m.Year -= 100
		}
	default:
		return 0, false
	}
	return i, validDate(m.Year, m.Month, m.Day)
}

func (m *Moment) clock(b []byte) bool {
	num := func(i int) (v, next int) {
		next = i
		for next < len(b) && next-i < 2 && isDigit(b[next]) {
			v = v*10 + int(b[next]-'0')
			next++
		}
		return v, next
	}
	h, i := num(0)
	if i == 0 || i >= len(b) || b[i] != ':' {
		return false
	}
	mi, j := num(i + 1)
	if j != i+3 {
		return false
	}
	var s int
	var frac int64
	i = j
	if i < len(b) && b[i] == ':' {
		if s, j = num(i + 1); j != i+3 {
			return false
		}
		i = j
		if i+1 < len(b) && (b[i] == '.' || b[i] == ',') && isDigit(b[i+1]) {
			i++
			for n := 0; i < len(b) && isDigit(b[i]); n, i = n+1, i+1 {
				if n < 6 {
					frac = frac*10 + int64(b[i]-'0')
				}
				j = n + 1
			}
			for ; j < 6; j++ {
				frac *= 10
			}
		}
	}
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i+1 < len(b) && b[i+1]|0x20 == 'm' && (b[i]|0x20 == 'a' || b[i]|0x20 == 'p') {
		if h < 1 || h > 12 {
			return false
		}
		h %= 12
		if b[i]|0x20 == 'p' {
			h += 12
		}
		i += 2
	}
	if h > 23 || mi > 59 || s > 60 {
		return false
	}
	m.HasTime = true
	m.Micros = (int64(h)*3600+int64(mi)*60+int64(s))*1_000_000 + frac
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i == len(b) || m.zone(b[i:])
}

func (m *Moment) zone(b []byte) bool {
	m.Zoned = true
	switch {
	case len(b) == 1 && b[0]|0x20 == 'z', len(b) == 3 && (string(b) == "UTC" || string(b) == "GMT"):
		return true
	case b[0] != '+' && b[0] != '-':
		return false
	}
	var d [4]int64
	n := 0
	for i, c := range b[1:] {
		if c == ':' && i == 2 {
			continue
		}
		if !isDigit(c) || n == 4 {
			return false
		}
		d[n] = int64(c - '0')
		n++
	}
	if n != 2 && n != 4 {
		return false
	}
	m.Offset = (d[0]*10+d[1])*3600 + (d[2]*10+d[3])*60
	if m.Offset > 15*3600 {
		return false
	}
	if b[0] == '-' {
		m.Offset = -m.Offset
	}
	return true
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }

var months = func() map[string]int {
	out := map[string]int{"sept": 9}
	for m := time.January; m <= time.December; m++ {
		out[lower([]byte(m.String()))] = int(m)
		out[lower([]byte(m.String()[:3]))] = int(m)
	}
	return out
}()

func lower(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = c | 0x20
	}
	return string(out)
}

func monthOf(b []byte) int { return months[lower(b)] }

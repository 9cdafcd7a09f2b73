package warehouse

import (
	"math"
	"strconv"
	"time"
)

// JSON gives the values as JSON can carry them: dates as YYYY-MM-DD, other times
// in RFC 3339, numbers that are not finite as text.
func (r Rows) JSON() [][]any {
	out := make([][]any, len(r.Values))
	for i, row := range r.Values {
		out[i] = make([]any, len(row))
		for j, v := range row {
			t := String
			if j < len(r.Columns) {
				t = r.Columns[j].Type
			}
			out[i][j] = jsonValue(v, t)
		}
	}
	return out
}

func jsonValue(v any, t Type) any {
	switch v := v.(type) {
	case time.Time:
		switch t {
		case Date:
			return v.UTC().Format(time.DateOnly)
		case DateTime: // no zone
			return v.UTC().Format("2006-01-02T15:04:05.999999")
		}
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = jsonValue(v[i], t)
		}
		return out
	}
	return v
}

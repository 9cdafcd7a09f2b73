package convert

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// str views bytes as a string for the duration of one call.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Int reads an integer: digits with an optional sign, or integral decimal text
// such as "12.000". group is a thousands separator to skip, 0 for none.
func Int(b []byte, decimal, group byte) (int64, bool) {
	i, neg := sign(b)
	if i == len(b) {
		return 0, false
	}
	var n uint64
	digits := 0
	for ; i < len(b); i++ {
		c := b[i]
		if d := c - '0'; d <= 9 {
			if n > (math.MaxUint64-9)/10 {
				return 0, false
			}
			n = n*10 + uint64(d)
			digits++
			continue
		}
		if group != 0 && c == group && digits > 0 && grouped(b[i+1:]) {
			continue
		}
		if c == decimal && digits > 0 {
			for _, z := range b[i+1:] {
				if z != '0' {
					return 0, false
				}
			}
			break
		}
		return 0, false
	}
	if digits == 0 {
		return 0, false
	}
	if neg {
		if n > 1<<63 {
			return 0, false
		}
		return -int64(n), true // −2⁶³ wraps onto itself
	}
	return int64(n), n <= math.MaxInt64
}

func sign(b []byte) (next int, neg bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return 1, b[0] == '-'
	}
	return 0, false
}

// grouped reports whether exactly three digits follow, then no digit.
func grouped(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	for _, c := range b[:3] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) == 3 || b[3] < '0' || b[3] > '9'
}

var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float reads a number. null is true for NaN and infinities, which have no place
// in training data. The fast path is Clinger's: a mantissa below 2⁵³ and a power of
// ten up to 10²² give the correctly rounded quotient in one division.
func Float(b []byte, decimal, group byte) (v float64, null, ok bool) {
	i, neg := sign(b)
	var mant uint64
	digits, scale, point := 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		if d := c - '0'; d <= 9 {
			if mant >= 1<<53/10 || scale == len(pow10)-1 {
				return slowFloat(b, decimal, group)
			}
			mant = mant*10 + uint64(d)
			digits++
			if point {
				scale++
			}
			continue
		}
		if c == decimal && !point {
			point = true
			continue
		}
		if group != 0 && c == group && !point && digits > 0 && grouped(b[i+1:]) {
			continue
		}
		return slowFloat(b, decimal, group)
	}
	if digits == 0 {
		return 0, false, false
	}
	v = float64(mant) / pow10[scale]
	if neg {
		v = -v
	}
	return v, false, true
}

func slowFloat(b []byte, decimal, group byte) (float64, bool, bool) {
	if len(b) > 64 || len(b) == 0 {
		return 0, false, false
	}
	buf := make([]byte, 0, 64)
	for i, c := range b {
		switch {
		case c == decimal:
			buf = append(buf, '.')
		case group != 0 && c == group:
			if !grouped(b[i+1:]) {
				return 0, false, false
			}
		case c == '_' || c == 'x' || c == 'X' || c == 'p' || c == 'P' || c == '.' || c == ',':
			return 0, false, false // Go's literals know more forms than data does
		default:
			buf = append(buf, c)
		}
	}
	v, err := strconv.ParseFloat(str(buf), 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false, false
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, true, true
	}
	return v, false, true
}

// Decimal reads an exact decimal with the given scale. It is refused when it has
// more decimals than fit (zeros aside) or more digits than precision.
func Decimal(b []byte, decimal, group byte, precision, scale int32) (decimal128.Num, bool) {
	i, neg := sign(b)
	var n decimal128.Num
	var small uint64 // the value while it fits
	var big, point bool
	var frac int32
	digits := 0
	add := func(d uint64) bool {
		if !big {
			if small < (math.MaxInt64-9)/10 {
				small = small*10 + d
				return true
			}
			big, n = true, decimal128.FromU64(small)
		}
		if n.HighBits() > math.MaxInt64/16 {
			return false
		}
		n = n.Mul(decimal128.FromI64(10)).Add(decimal128.FromU64(d))
		return true
	}
	for ; i < len(b); i++ {
		c := b[i]
		if d := c - '0'; d <= 9 {
			digits++
			if point {
				if frac == scale {
					if d != 0 {
						return n, false
					}
					continue
				}
				frac++
			}
			if !add(uint64(d)) {
				return n, false
			}
			continue
		}
		if c == decimal && !point {
			point = true
			continue
		}
		if group != 0 && c == group && !point && digits > 0 && grouped(b[i+1:]) {
			continue
		}
		return n, false
	}
	if digits == 0 {
		return n, false
	}
	for ; frac < scale; frac++ {
		if !add(0) {
			return n, false
		}
	}
	if !big {
		n = decimal128.FromU64(small)
	}
	if !n.FitsInPrecision(precision) {
		return n, false
	}
	if neg {
		n = n.Negate()
	}
	return n, true
}

// Bool reads a truth value in the words of spreadsheets and databases.
func Bool(b []byte) (v, ok bool) {
	switch len(b) {
	case 1:
		switch b[0] {
		case '1', 't', 'T', 'y', 'Y':
			return true, true
		case '0', 'f', 'F', 'n', 'N':
			return false, true
		}
	case 2:
		return false, fold(b, "no")
	case 3:
		return true, fold(b, "yes")
	case 4:
		return true, fold(b, "true")
	case 5:
		return false, fold(b, "false")
	}
	return false, false
}

func fold(b []byte, lower string) bool {
	for i := range lower {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

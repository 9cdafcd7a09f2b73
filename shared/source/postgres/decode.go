package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/b2brecs/b2brecs/shared/source/convert"
)

// Epochs: PostgreSQL counts from 2000-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * 86_400_000_000
	// The warehouse's years are 1 to 9999.
	minDay    = -719162
	maxDay    = 2932896
	minMicros = minDay * 86_400_000_000
	maxMicros = (maxDay + 1) * 86_400_000_000
)

// Reasons for values that become NULL.
const (
	infinite   = "infinity became NULL"
	outOfRange = "outside the years 1 to 9999, became NULL"
)

var errLength = errors.New("a value has an unexpected length")

// decoder appends one binary value, which is not NULL, to column i of a batch.
type decoder func(b *convert.Batch, i int, v []byte) error

func decodeBool(b *convert.Batch, i int, v []byte) error {
	if len(v) != 1 {
		return errLength
	}
	b.Builder(i).(*array.BooleanBuilder).Append(v[0] != 0)
	return nil
}

func decodeInt(b *convert.Batch, i int, v []byte) error {
	var n int64
	switch len(v) {
	case 2:
		n = int64(int16(binary.BigEndian.Uint16(v)))
	case 4:
		n = int64(int32(binary.BigEndian.Uint32(v)))
	case 8:
		n = int64(binary.BigEndian.Uint64(v))
	default:
		return errLength
	}
	b.Builder(i).(*array.Int64Builder).Append(n)
	return nil
}

func decodeFloat(b *convert.Batch, i int, v []byte) error {
	var f float64
	switch len(v) {
	case 4:
		f = float64(math.Float32frombits(binary.BigEndian.Uint32(v)))
	case 8:
		f = math.Float64frombits(binary.BigEndian.Uint64(v))
	default:
		return errLength
	}
	if f-f != 0 { // NaN and infinities
		b.Null(i)
		b.Nulled(i, convert.NotIn)
		return nil
	}
	b.Builder(i).(*array.Float64Builder).Append(f)
	return nil
}

func decodeText(b *convert.Batch, i int, v []byte) error {
	b.Builder(i).(*array.StringBuilder).Append(string(v))
	b.Grew(len(v))
	return nil
}

// decodeJSONB skips the version byte of jsonb's binary form.
func decodeJSONB(b *convert.Batch, i int, v []byte) error {
	if len(v) < 1 || v[0] != 1 {
		return errors.New("a jsonb value has an unknown version")
	}
	return decodeText(b, i, v[1:])
}

func decodeBytes(b *convert.Batch, i int, v []byte) error {
	b.Builder(i).(*array.BinaryBuilder).Append(v)
	b.Grew(len(v))
	return nil
}

func decodeUUID(b *convert.Batch, i int, v []byte) error {
	if len(v) != 16 {
		return errLength
	}
	var s [36]byte
	hex.Encode(s[0:8], v[0:4])
	hex.Encode(s[9:13], v[4:6])
	hex.Encode(s[14:18], v[6:8])
	hex.Encode(s[19:23], v[8:10])
	hex.Encode(s[24:36], v[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	b.Builder(i).(*array.StringBuilder).Append(string(s[:]))
	b.Grew(36)
	return nil
}

func decodeDate(b *convert.Batch, i int, v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	d := int32(binary.BigEndian.Uint32(v))
	if d == math.MaxInt32 || d == math.MinInt32 {
		b.Null(i)
		b.Nulled(i, infinite)
		return nil
	}
	day := int64(d) + epochDays
	if day < minDay || day > maxDay {
		b.Null(i)
		b.Nulled(i, outOfRange)
		return nil
	}
	b.Builder(i).(*array.Date32Builder).Append(arrow.Date32(day))
	return nil
}

func decodeTimestamp(b *convert.Batch, i int, v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	t := int64(binary.BigEndian.Uint64(v))
	if t == math.MaxInt64 || t == math.MinInt64 {
		b.Null(i)
		b.Nulled(i, infinite)
		return nil
	}
	if t > maxMicros-epochMicros-1 || t < minMicros-epochMicros {
		b.Null(i)
		b.Nulled(i, outOfRange)
		return nil
	}
	b.Builder(i).(*array.TimestampBuilder).Append(arrow.Timestamp(t + epochMicros))
	return nil
}

func decodeTime(b *convert.Batch, i int, v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	t := int64(binary.BigEndian.Uint64(v))
	if t >= 86_400_000_000 { // 24:00:00 is a time in PostgreSQL only
		t = 0
		b.Nulled(i, "24:00:00 became 00:00:00")
	}
	b.Builder(i).(*array.Time64Builder).Append(arrow.Time64(t))
	return nil
}

// Signs of the binary form of numeric (src/backend/utils/adt/numeric.c).
const (
	numericNeg  = 0x4000
	numericNaN  = 0xC000
	numericPInf = 0xD000
	numericNInf = 0xF000
)

var pow10 = [...]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
	100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000}

// decodeNumeric gives exact decimals of a column's precision and scale. A value is
// digits of base 10,000, the first of which has the weight 10,000^weight.
func decodeNumeric(precision, scale int32) decoder {
	return func(b *convert.Batch, i int, v []byte) error {
		if len(v) < 8 {
			return errLength
		}
		n := int(binary.BigEndian.Uint16(v))
		weight := int32(int16(binary.BigEndian.Uint16(v[2:])))
		sign := binary.BigEndian.Uint16(v[4:])
		if len(v) != 8+2*n {
			return errLength
		}
		switch sign {
		case 0, numericNeg:
		case numericNaN, numericPInf, numericNInf:
			b.Null(i)
			b.Nulled(i, convert.NotIn)
			return nil
		default:
			return errors.New("a numeric value has an unknown sign")
		}
		num, ok := numericFast(v[8:], n, weight, scale, sign == numericNeg)
		if !ok {
			num, ok = numericSlow(v[8:], n, weight, scale, sign == numericNeg)
		}
		if !ok || !num.FitsInPrecision(precision) {
			b.Null(i)
			return misfit{fmt.Sprintf("%q is not a decimal that fits: at most %d digits, %d of them after the point", numericText(v), precision, scale)}
		}
		b.Builder(i).(*array.Decimal128Builder).Append(num)
		return nil
	}
}

// misfit is a value that its column cannot hold; NULL is in its place.
type misfit struct{ reason string }

func (m misfit) Error() string { return m.reason }

// numericFast handles values whose scaled form has at most 18 digits.
func numericFast(d []byte, n int, weight, scale int32, neg bool) (decimal128.Num, bool) {
	var acc uint64
	if n > 4 {
		return decimal128.Num{}, false
	}
	for i := range n {
		acc = acc*10_000 + uint64(binary.BigEndian.Uint16(d[2*i:]))
	}
	if n == 0 {
		return decimal128.Num{}, true
	}
	// acc counts units of 10,000^(weight-n+1).
	shift := 4*(weight-int32(n)+1) + scale
	switch {
	case shift >= 0:
		if shift > 18 || acc > math.MaxInt64/pow10[shift] {
			return decimal128.Num{}, false
		}
		acc *= pow10[shift]
	case shift < -18:
		return decimal128.Num{}, false
	default:
		if acc%pow10[-shift] != 0 {
			return decimal128.Num{}, false
		}
		acc /= pow10[-shift]
	}
	v := int64(acc)
	if neg {
		v = -v
	}
	return decimal128.FromI64(v), true
}

var bigTen, bigBase = big.NewInt(10), big.NewInt(10_000)

func numericSlow(d []byte, n int, weight, scale int32, neg bool) (decimal128.Num, bool) {
	if weight > 12 || n > 40 { // more than 38 digits before the point
		return decimal128.Num{}, false
	}
	acc := new(big.Int)
	for i := range n {
		acc.Mul(acc, bigBase).Add(acc, big.NewInt(int64(binary.BigEndian.Uint16(d[2*i:]))))
	}
	shift := int64(4*(weight-int32(n)+1) + scale)
	f := new(big.Int).Exp(bigTen, big.NewInt(max(shift, -shift)), nil)
	if shift >= 0 {
		acc.Mul(acc, f)
	} else if rem := new(big.Int); true {
		acc.QuoRem(acc, f, rem)
		if rem.Sign() != 0 {
			return decimal128.Num{}, false
		}
	}
	if acc.BitLen() > 127 {
		return decimal128.Num{}, false
	}
	if neg {
		acc.Neg(acc)
	}
	return decimal128.FromBigInt(acc), true
}

// numericText writes a binary numeric for a message.
func numericText(v []byte) string {
	n := int(binary.BigEndian.Uint16(v))
	weight := int(int16(binary.BigEndian.Uint16(v[2:])))
	dscale := int(binary.BigEndian.Uint16(v[6:]))
	digit := func(i int) int {
		if i < 0 || i >= n {
			return 0
		}
		return int(binary.BigEndian.Uint16(v[8+2*i:]))
	}
	var s strings.Builder
	if binary.BigEndian.Uint16(v[4:]) == numericNeg {
		s.WriteByte('-')
	}
	if weight > 60 {
		return "a number of more than 240 digits"
	}
	for i := 0; i <= weight; i++ {
		if i == 0 {
			fmt.Fprintf(&s, "%d", digit(i))
		} else {
			fmt.Fprintf(&s, "%04d", digit(i))
		}
	}
	if weight < 0 {
		s.WriteByte('0')
	}
	var frac strings.Builder
	for i := weight + 1; frac.Len() < min(dscale, 60); i++ {
		fmt.Fprintf(&frac, "%04d", digit(i))
	}
	if f := frac.String(); dscale > 0 {
		s.WriteByte('.')
		s.WriteString(f[:min(len(f), dscale)])
	}
	return s.String()
}

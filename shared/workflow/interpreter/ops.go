package interpreter

import (
	"math"
	"math/bits"
	"strings"
)

func unary(op string, x any) (any, error) {
	if op == "not" {
		b, ok := x.(bool)
		if !ok {
			return nil, raise(TagType, `"not" needs a boolean, not a value of type %s`, typeName(x))
		}
		return !b, nil
	}
	switch n := x.(type) {
	case int64:
		if n == math.MinInt64 {
			return nil, raise(TagValue, "the result does not fit a 64-bit integer")
		}
		return -n, nil
	case float64:
		return -n, nil
	}
	return nil, raise(TagType, "a value of type %s has no negative", typeName(x))
}

func binary(op string, l, r any) (any, error) {
	switch op {
	case "==":
		return equal(l, r), nil
	case "!=":
		return !equal(l, r), nil
	case "in":
		return contains(l, r)
	case "<", "<=", ">", ">=":
		return compare(op, l, r)
	}
	if op == "+" {
		if a, ok := l.(string); ok {
			if b, ok := r.(string); ok {
				return limitString(a + b)
			}
		}
	}
	a, aInt := l.(int64)
	b, bInt := r.(int64)
	if aInt && bInt && op != "/" {
		return intArithmetic(op, a, b)
	}
	x, xok := number(l)
	y, yok := number(r)
	if !xok || !yok {
		return nil, raise(TagType, "operator %s does not work on %s and %s", op, typeName(l), typeName(r))
	}
	return doubleArithmetic(op, x, y)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func limitString(s string) (any, error) {
	if len(s) > maxStringBytes {
		return nil, raise(TagResourceLimit, "a string has %d bytes; at most %d are allowed", len(s), maxStringBytes)
	}
	return s, nil
}

// contains is "x in y": a key of a map or an element of a list.
func contains(x, y any) (any, error) {
	switch c := y.(type) {
	case map[string]any:
		k, ok := x.(string)
		if !ok {
			return nil, raise(TagType, "a map key is a string, not a value of type %s", typeName(x))
		}
		_, ok = c[k]
		return ok, nil
	case []any:
		for _, e := range c {
			if equal(x, e) {
				return true, nil
			}
		}
		return false, nil
	}
	return nil, raise(TagType, `"in" needs a list or a map on its right, not a value of type %s`, typeName(y))
}

func compare(op string, l, r any) (any, error) {
	var c int
	a, aInt := l.(int64)
	b, bInt := r.(int64)
	s, aStr := l.(string)
	t, bStr := r.(string)
	x, xok := number(l)
	y, yok := number(r)
	switch {
	case aInt && bInt:
		c = order(a, b)
	case aStr && bStr:
		c = strings.Compare(s, t)
	case xok && yok:
		c = order(x, y)
	default:
		return nil, raise(TagType, "operator %s does not compare %s with %s", op, typeName(l), typeName(r))
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// intArithmetic works on integers and gives an integer; it refuses to wrap around.
// "//" rounds down and "%" has the sign of the divisor, so a == (a//b)*b + a%b.
func intArithmetic(op string, a, b int64) (any, error) {
	overflow := raise(TagValue, "the result of %d %s %d does not fit a 64-bit integer", a, op, b)
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
		return nil, overflow
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
		return nil, overflow
	case "*":
		hi, lo := bits.Mul64(magnitude(a), magnitude(b))
		negative := (a < 0) != (b < 0)
		if hi != 0 || lo > 1<<63 || lo == 1<<63 && !negative {
			return nil, overflow
		}
		return a * b, nil
	}
	if b == 0 {
		return nil, raise(TagZeroDivision, "division by zero")
	}
	if a == math.MinInt64 && b == -1 {
		if op == "//" {
			return nil, overflow
		}
		return int64(0), nil
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if op == "//" {
		return q, nil
	}
	return m, nil
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func doubleArithmetic(op string, x, y float64) (any, error) {
	var f float64
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	default:
		if y == 0 {
			return nil, raise(TagZeroDivision, "division by zero")
		}
		switch op {
		case "/":
			f = x / y
		case "//":
			f = math.Floor(x / y)
		case "%":
			if f = math.Mod(x, y); f != 0 && (f < 0) != (y < 0) {
				f += y
			}
		}
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, raise(TagValue, "the result does not fit a double")
	}
	return f, nil
}

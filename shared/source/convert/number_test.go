package convert

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestInt(t *testing.T) {
	for _, c := range []struct {
		in             string
		decimal, group byte
		want           string
	}{
		{"0", '.', 0, "0"}, {"-12", '.', 0, "-12"}, {"+7", '.', 0, "7"}, {"007", '.', 0, "7"},
		{"12.000", '.', 0, "12"}, {"12,00", ',', 0, "12"}, {"12.5", '.', 0, ""},
		{"1,234,567", '.', ',', "1234567"}, {"1,23", '.', ',', ""}, {"1,2345", '.', ',', ""},
		{"9223372036854775807", '.', 0, "9223372036854775807"}, {"-9223372036854775808", '.', 0, "-9223372036854775808"},
		{"9223372036854775808", '.', 0, ""}, {"99999999999999999999", '.', 0, ""},
		{"", '.', 0, ""}, {"-", '.', 0, ""}, {"1e3", '.', 0, ""}, {" 1", '.', 0, ""}, {"2024-01-01", '.', 0, ""}, {".", '.', 0, ""},
	} {
		n, ok := Int([]byte(c.in), c.decimal, c.group)
		got := ""
		if ok {
			got = strconv.FormatInt(n, 10)
		}
		if got != c.want {
			t.Errorf("Int(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		in             string
		decimal, group byte
		want           float64
		null, ok       bool
	}{
		{"1.5", '.', 0, 1.5, false, true}, {"-0,25", ',', 0, -0.25, false, true}, {"1e3", '.', 0, 1000, false, true},
		{"1.234,5", ',', '.', 1234.5, false, true}, {"1,234.5", '.', ',', 1234.5, false, true}, {"5.", '.', 0, 5, false, true}, {".5", '.', 0, .5, false, true},
		{"NaN", '.', 0, 0, true, true}, {"-inf", '.', 0, 0, true, true}, {"1e999", '.', 0, 0, true, true},
		{"0x10", '.', 0, 0, false, false}, {"1_000", '.', 0, 0, false, false}, {"", '.', 0, 0, false, false}, {"-", '.', 0, 0, false, false}, {"1,5", '.', 0, 0, false, false},
	} {
		v, null, ok := Float([]byte(c.in), c.decimal, c.group)
		if v != c.want || null != c.null || ok != c.ok {
			t.Errorf("Float(%q) = %v, %v, %v", c.in, v, null, ok)
		}
	}
}

func TestFloatAgreesWithStrconv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64().Draw(t, "v")
		s := strconv.FormatFloat(v, rapid.SampledFrom([]byte{'f', 'e', 'g'}).Draw(t, "form"), rapid.IntRange(-1, 17).Draw(t, "digits"), 64)
		if len(s) > 60 {
			return
		}
		want, _ := strconv.ParseFloat(s, 64)
		got, null, ok := Float([]byte(s), '.', 0)
		if null != math.IsInf(want, 0) || !null && (!ok || got != want) {
			t.Fatalf("Float(%q) = %v, %v, %v; want %v", s, got, null, ok, want)
		}
	})
}

func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.StringMatching(`[1-9][0-9]{0,28}|0`).Draw(t, "whole")
		frac := rapid.StringMatching(`[0-9]{0,9}`).Draw(t, "frac")
		neg := rapid.Bool().Draw(t, "neg")
		s := whole
		if frac != "" {
			s += "." + frac
		}
		if neg {
			s = "-" + s
		}
		n, ok := Decimal([]byte(s), '.', 0, 38, 9)
		if !ok {
			t.Fatalf("%q was refused", s)
		}
		want, _ := new(big.Int).SetString(whole+frac+strings.Repeat("0", 9-len(frac)), 10)
		if neg {
			want.Neg(want)
		}
		if n.BigInt().Cmp(want) != 0 {
			t.Fatalf("%q gave %s, want %s", s, n.BigInt(), want)
		}
	})
	for _, s := range []string{"0.1234567891", strings.Repeat("9", 30), "", ".", "1e5", "NaN", "1.2.3"} {
		if n, ok := Decimal([]byte(s), '.', 0, 38, 9); ok {
			t.Errorf("%q gave %s", s, n.BigInt())
		}
	}
	if _, ok := Decimal([]byte("1.2300000000000"), '.', 0, 38, 9); !ok {
		t.Error("trailing zeros were refused")
	}
}

package interpreter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Two encodings exist. Outside (HTTP bodies, results) values are plain JSON. In a
// checkpoint the types must survive: doubles keep a point or an exponent, bytes
// are {"$b": base64}, and map keys that begin with "$" get one more "$".

// toJSON encodes a value for the outside. Bytes have no JSON form.
func toJSON(v any) ([]byte, error) { return appendValue(nil, v, false) }

func appendValue(b []byte, v any, typed bool) ([]byte, error) {
	var err error
	switch x := v.(type) {
	case nil, bool, int64:
		return fmt.Appendf(b, "%v", orNull(x)), nil
	case float64:
		s := formatDouble(x)
		if typed && !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return append(b, s...), nil
	case string:
		return appendString(b, x), nil
	case []byte:
		if !typed {
			return nil, raise(TagType, "bytes cannot be encoded as JSON; use base64.encode")
		}
		b = append(b, `{"$b":"`...)
		b = base64.StdEncoding.AppendEncode(b, x)
		return append(b, `"}`...), nil
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, e, typed); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, k := range sortedKeys(x) {
			if i > 0 {
				b = append(b, ',')
			}
			key := k
			if typed && strings.HasPrefix(k, "$") {
				key = "$" + k
			}
			b = append(appendString(b, key), ':')
			if b, err = appendValue(b, x[k], typed); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("a %T is not a workflow value", v)
}

func orNull(v any) any {
	if v == nil {
		return "null"
	}
	return v
}

// appendString encodes without HTML escapes, which would change what a server reads.
func appendString(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

// fromJSON decodes one JSON document. Numbers without point and exponent that fit
// 64 bits are integers, all others doubles.
func fromJSON(b []byte) (any, error) { return decodeJSON(b, false) }

func decodeJSON(b []byte, typed bool) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more after the first JSON value")
	}
	return normalize(v, typed)
}

// normalize turns what encoding/json decodes into workflow values.
func normalize(v any, typed bool) (any, error) {
	switch x := v.(type) {
	case json.Number:
		if !strings.ContainsAny(x.String(), ".eE") {
			if i, err := x.Int64(); err == nil {
				return i, nil
			}
		}
		return x.Float64()
	case []any:
		for i, e := range x {
			n, err := normalize(e, typed)
			if err != nil {
				return nil, err
			}
			x[i] = n
		}
		return x, nil
	case map[string]any:
		if s, ok := x["$b"].(string); ok && typed && len(x) == 1 {
			return base64.StdEncoding.DecodeString(s)
		}
		out := make(map[string]any, len(x))
		for k, e := range x {
			n, err := normalize(e, typed)
			if err != nil {
				return nil, err
			}
			if typed {
				k = strings.TrimPrefix(k, "$")
			}
			out[k] = n
		}
		return out, nil
	}
	return v, nil
}

// boxed is a value in a checkpoint.
type boxed struct{ V any }

func (x boxed) MarshalJSON() ([]byte, error) { return appendValue(nil, x.V, true) }

func (x *boxed) UnmarshalJSON(b []byte) (err error) {
	x.V, err = decodeJSON(b, true)
	return err
}

// scope is a set of variables in a checkpoint.
type scope map[string]any

func (s scope) MarshalJSON() ([]byte, error) { return appendValue(nil, map[string]any(s), true) }

func (s *scope) UnmarshalJSON(b []byte) error {
	v, err := decodeJSON(b, true)
	if err != nil {
		return err
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return fmt.Errorf("variables of a checkpoint are a %s, not a map", typeName(v))
	}
	*s = m
	return nil
}

package interpreter

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"maps"
	"strings"
	"time"
	_ "time/tzdata" // time.format takes zone names on machines without a zone database
)

// dataFunctions are json, base64, hash and time.
var dataFunctions = map[string]*function{
	"json.decode": pure(func(a []any) (any, error) {
		b, err := textOrBytes(a[0])
		if err != nil {
			return nil, err
		}
		v, err := fromJSON(b)
		if err != nil {
			return nil, raise(TagValue, "the data is not JSON: %v", err)
		}
		return v, nil
	}, "data"),
	"json.encode": pure(func(a []any) (any, error) { return encodeJSON(a) }, "data").opt("indent", nil),
	"json.encode_to_string": pure(func(a []any) (any, error) {
		b, err := encodeJSON(a)
		if err != nil {
			return nil, err
		}
		return limitString(string(b))
	}, "data").opt("indent", nil),

	"base64.encode": pure(func(a []any) (any, error) {
		b, err := bytesArg(a[0])
		if err != nil {
			return nil, err
		}
		enc, err := base64Encoding(a[1])
		if err != nil {
			return nil, err
		}
		return limitString(enc.EncodeToString(b))
	}, "data").opt("padding", true),
	"base64.decode": pure(func(a []any) (any, error) {
		s, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		enc, err := base64Encoding(a[1])
		if err != nil {
			return nil, err
		}
		b, err := enc.DecodeString(s)
		if err != nil {
			return nil, raise(TagValue, "the text is not Base64")
		}
		return b, nil
	}, "data").opt("padding", true),

	"hash.compute_checksum": pure(func(a []any) (any, error) {
		b, err := bytesArg(a[0])
		if err != nil {
			return nil, err
		}
		h, err := hashNamed(a[1])
		if err != nil {
			return nil, err
		}
		sum := h()
		sum.Write(b)
		return sum.Sum(nil), nil
	}, "data", "algorithm"),
	"hash.compute_hmac": pure(func(a []any) (any, error) {
		key, err := bytesArg(a[0])
		if err != nil {
			return nil, err
		}
		b, err := bytesArg(a[1])
		if err != nil {
			return nil, err
		}
		h, err := hashNamed(a[2])
		if err != nil {
			return nil, err
		}
		mac := hmac.New(h, key)
		mac.Write(b)
		return mac.Sum(nil), nil
	}, "key", "data", "algorithm"),

	"time.format": pure(func(a []any) (any, error) {
		sec, ok := number(a[0])
		if !ok {
			return nil, typeErr("a number of seconds", a[0])
		}
		zone, err := stringArg(a[1])
		if err != nil {
			return nil, err
		}
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, raise(TagValue, "%q is not a time zone", zone)
		}
		if sec < -62135596800 || sec > 253402300799 { // the years 1 to 9999 of RFC 3339
			return nil, raise(TagValue, "%s seconds are outside the years 1 to 9999", formatDouble(sec))
		}
		return time.UnixMicro(int64(sec * 1e6)).In(loc).Format("2006-01-02T15:04:05.999999Z07:00"), nil
	}, "seconds").opt("timezone", "GMT"),
	"time.parse": pure(func(a []any) (any, error) {
		s, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		t, err := parseTime(s)
		if err != nil {
			return nil, err
		}
		return float64(t.UnixMicro()) / 1e6, nil
	}, "value"),
}

// parseTime reads the ISO 8601 forms the library documents: RFC 3339.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, raise(TagValue, "%q is not a time like 2026-01-31T12:00:00Z", s)
	}
	return t, nil
}

func bytesArg(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, typeErr("bytes", v)
	}
	return b, nil
}

func textOrBytes(v any) ([]byte, error) {
	switch x := v.(type) {
	case []byte:
		return x, nil
	case string:
		return []byte(x), nil
	}
	return nil, typeErr("bytes or a string", v)
}

// encodeJSON takes data and indent: true for two spaces, or a map with prefix and indent.
func encodeJSON(a []any) ([]byte, error) {
	b, err := toJSON(a[0])
	if err != nil || a[1] == nil || a[1] == false {
		return b, err
	}
	prefix, indent := "", "  "
	if m, ok := a[1].(map[string]any); ok {
		if s, ok := m["prefix"].(string); ok {
			prefix = s
		}
		if s, ok := m["indent"].(string); ok {
			indent = s
		}
	} else if a[1] != true {
		return nil, typeErr("indent as a boolean or a map", a[1])
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, prefix, indent); err != nil {
		return nil, raise(TagSystem, "JSON cannot be indented: %v", err)
	}
	return out.Bytes(), nil
}

func base64Encoding(padding any) (*base64.Encoding, error) {
	p, ok := padding.(bool)
	if !ok {
		return nil, typeErr("padding as a boolean", padding)
	}
	if p {
		return base64.StdEncoding, nil
	}
	return base64.RawStdEncoding, nil
}

func hashNamed(v any) (func() hash.Hash, error) {
	s, err := stringArg(v)
	if err != nil {
		return nil, err
	}
	switch strings.ToUpper(s) {
	case "MD5":
		return md5.New, nil
	case "SHA1":
		return sha1.New, nil
	case "SHA224":
		return sha256.New224, nil
	case "SHA256":
		return sha256.New, nil
	case "SHA384":
		return sha512.New384, nil
	case "SHA512":
		return sha512.New, nil
	}
	return nil, raise(TagValue, "%q is not one of MD5, SHA1, SHA224, SHA256, SHA384, SHA512", s)
}

func mapKeys(a []any) (any, error) {
	m, err := mapArg(a[0])
	if err != nil {
		return nil, err
	}
	keys := make([]any, 0, len(m))
	for _, k := range sortedKeys(m) {
		keys = append(keys, k)
	}
	return keys, nil
}

// mapGet never fails for what is absent; keys is one key or a path.
func mapGet(a []any) (any, error) {
	path, ok := a[1].([]any)
	if !ok {
		path = []any{a[1]}
	}
	v := a[0]
	for _, k := range path {
		name, ok := k.(string)
		if !ok {
			return nil, typeErr("a key as a string or a list of strings", k)
		}
		m, ok := v.(map[string]any)
		if !ok {
			return a[2], nil
		}
		if v, ok = m[name]; !ok {
			return a[2], nil
		}
	}
	return v, nil
}

func mapDelete(a []any) (any, error) {
	m, err := mapArg(a[0])
	if err != nil {
		return nil, err
	}
	k, err := stringArg(a[1])
	if err != nil {
		return nil, err
	}
	out := maps.Clone(m)
	delete(out, k)
	return out, nil
}

func mapMerge(nested bool) func(a []any) (any, error) {
	return func(a []any) (any, error) {
		x, err := mapArg(a[0])
		if err != nil {
			return nil, err
		}
		y, err := mapArg(a[1])
		if err != nil {
			return nil, err
		}
		return merge(x, y, nested), nil
	}
}

// merge gives the keys of both maps; y wins, and nested maps are merged if asked.
func merge(x, y map[string]any, nested bool) map[string]any {
	out := make(map[string]any, len(x)+len(y))
	maps.Copy(out, x)
	for k, v := range y {
		xm, ok1 := out[k].(map[string]any)
		ym, ok2 := v.(map[string]any)
		if nested && ok1 && ok2 {
			v = merge(xm, ym, true)
		}
		out[k] = v
	}
	return out
}

package interpreter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// StepHeader marks every request of a workflow with "<execution>/<step counter>". A
// request that was in flight when the process died is made again with the same
// value, so it serves as an idempotency key.
const StepHeader = "X-B2brecs-Step"

// request is an HTTP request as it is written down before it is made. It never
// holds a token: those are fetched for each attempt.
type request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Header  map[string]string `json:"header,omitempty"`
	Text    string            `json:"text,omitempty"`  // body, when it is text
	Bytes   []byte            `json:"bytes,omitempty"` // body, when it is not
	OIDC    bool              `json:"oidc,omitempty"`
	Aud     string            `json:"aud,omitempty"`
	Seconds float64           `json:"seconds"`
}

// newRequest builds the request of an http.* call from its arguments.
func newRequest(fn string, a map[string]any) (*request, error) {
	r := &request{Method: strings.ToUpper(strings.TrimPrefix(fn, "http.")), Header: map[string]string{}}
	if fn == "http.request" {
		method, err := stringArg(a["method"])
		if err != nil {
			return nil, err
		}
		r.Method = strings.ToUpper(method)
		if !contained([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}, r.Method) {
			return nil, raise(TagValue, "%q is not an HTTP method", method)
		}
	}
	if err := r.target(a); err != nil {
		return nil, err
	}
	n, ok := number(a["timeout"])
	if !ok || n <= 0 || n > maxRequestTimeout.Seconds() {
		return nil, raise(TagValue, "timeout is a number of seconds above 0 and up to %d", int64(maxRequestTimeout.Seconds()))
	}
	r.Seconds = n
	if h := a["headers"]; h != nil {
		m, err := mapArg(h)
		if err != nil {
			return nil, err
		}
		for k, v := range m {
			s, err := toString([]any{v})
			if err != nil {
				return nil, raise(TagType, "header %s is not a string", k)
			}
			r.Header[http.CanonicalHeaderKey(k)] = s.(string)
		}
	}
	if err := r.auth(a["auth"]); err != nil {
		return nil, err
	}
	return r, r.body(a["body"])
}

// target reads url and query.
func (r *request) target(a map[string]any) error {
	raw, err := stringArg(a["url"])
	if err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return raise(TagValue, "%q is not an http or https URL", raw)
	}
	if q := a["query"]; q != nil {
		m, err := mapArg(q)
		if err != nil {
			return err
		}
		values := u.Query()
		for k, v := range m {
			list, many := v.([]any)
			if !many {
				list = []any{v}
			}
			for _, e := range list {
				s, err := toString([]any{e})
				if err != nil {
					return raise(TagType, "query parameter %s is not a string, number or boolean", k)
				}
				values.Add(k, s.(string))
			}
		}
		u.RawQuery = values.Encode()
	}
	r.URL = u.String()
	return nil
}

func (r *request) auth(v any) error {
	if v == nil {
		return nil
	}
	m, err := mapArg(v)
	if err != nil {
		return err
	}
	if m["type"] != "OIDC" {
		return raise(TagValue, "auth type %v is not supported; use OIDC", m["type"])
	}
	r.OIDC, r.Aud = true, r.URL
	if aud, ok := m["audience"]; ok {
		if r.Aud, err = stringArg(aud); err != nil {
			return err
		}
	} else if u, err := url.Parse(r.URL); err == nil {
		u.RawQuery = ""
		r.Aud = u.String()
	}
	return nil
}

// body encodes: strings and bytes as they are, a map as a form when the header says
// so, everything else as JSON.
func (r *request) body(v any) error {
	kind, _, _ := mime.ParseMediaType(r.Header["Content-Type"])
	switch b := v.(type) {
	case nil:
		return nil
	case []byte:
		r.Bytes = b
		return nil
	case string:
		r.Text = b
		if kind == "" {
			r.Header["Content-Type"] = "text/plain; charset=utf-8"
		}
		return nil
	case map[string]any:
		if kind == "application/x-www-form-urlencoded" {
			form := url.Values{}
			for k, e := range b {
				s, err := toString([]any{e})
				if err != nil {
					return raise(TagType, "form field %s is not a string, number or boolean", k)
				}
				form.Set(k, s.(string))
			}
			r.Text = form.Encode()
			return nil
		}
	}
	enc, err := toJSON(v)
	if err != nil {
		return err
	}
	r.Text = string(enc)
	if kind == "" {
		r.Header["Content-Type"] = "application/json; charset=utf-8"
	}
	return nil
}

// do makes the request. Errors are *raised, except ctx's own.
func (d *Driver) do(ctx context.Context, r *request, step string) (any, error) {
	reqCtx, cancel := context.WithTimeout(ctx, time.Duration(r.Seconds*float64(time.Second)))
	defer cancel()
	var body io.Reader
	if r.Bytes != nil {
		body = bytes.NewReader(r.Bytes)
	} else if r.Text != "" {
		body = strings.NewReader(r.Text)
	}
	req, err := http.NewRequestWithContext(reqCtx, r.Method, r.URL, body)
	if err != nil {
		return nil, raise(TagValue, "the request cannot be made: %v", err)
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	req.Header.Set(StepHeader, step)
	if r.OIDC {
		token, err := d.opts.Token(reqCtx, r.Aud)
		if err != nil {
			return nil, raise(TagAuth, "no token for %s: %v", r.Aud, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := d.opts.HTTP.Do(req)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	if err != nil {
		return nil, transportError(ctx, err)
	}
	if len(raw) > maxResponseBytes {
		return nil, raise(TagResourceLimit, "the response has more than %d bytes", maxResponseBytes)
	}
	return response(resp, raw)
}

// response gives {code, headers, body}, as a result or inside an HttpError.
func response(resp *http.Response, raw []byte) (any, error) {
	content, err := decodeBody(resp.Header.Get("Content-Type"), raw)
	if err != nil && resp.StatusCode < 400 {
		return nil, raise(TagResponseType, "the response is not the JSON it says it is: %v", err)
	} else if err != nil {
		content = string(bytes.ToValidUTF8(raw, []byte("\uFFFD")))
	}
	out := map[string]any{"code": int64(resp.StatusCode), "headers": headers(resp.Header), "body": content}
	if resp.StatusCode >= 400 {
		return nil, raiseHTTP(out)
	}
	return out, nil
}

func raiseHTTP(resp map[string]any) *raised {
	resp["message"] = fmt.Sprintf("HTTP server responded with error code %d", resp["code"])
	resp["tags"] = []any{TagHTTP}
	return &raised{payload: resp}
}

func headers(h http.Header) map[string]any {
	out := map[string]any{}
	for k, v := range h {
		out[k] = strings.Join(v, ", ")
	}
	return out
}

// decodeBody parses JSON, keeps text as a string and everything else as bytes.
func decodeBody(contentType string, raw []byte) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		return fromJSON(raw)
	}
	if utf8.Valid(raw) {
		return string(raw), nil
	}
	return raw, nil
}

// transportError tells a request that never reached the server from one that may
// have. When the execution itself is being stopped, it is no error of the workflow.
func transportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // without the URL, which may carry a secret in its query
	}
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		return raise(TagTimeout, "no response in time")
	}
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" {
		return raise(TagConnectionFailed, "no connection to the server: %v", err)
	}
	return raise(TagConnection, "the connection broke: %v", err)
}

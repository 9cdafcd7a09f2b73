package interpreter

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// maxCallbackBytes bounds the body of a callback; it has to fit the variables.
const maxCallbackBytes = maxVariableBytes

// ServeCallback takes requests to the callback endpoints of executions, at
// CallbackURL + "/{execution}/{callback}"; the last two segments of the path count.
// The caller MUST have been authenticated. The answer is
//
//	200  the callback is stored and will be delivered once
//	404  there is no such endpoint
//	405  the endpoint expects another method
//	410  the execution has ended: nobody waits any more, do not repeat
//	413  the body is too large
//
// A request with an Idempotency-Key header that was seen before changes nothing.
func (d *Driver) ServeCallback(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 {
		refuse(w, http.StatusNotFound, problem.New(problem.NotFound, "there is no such callback endpoint"))
		return
	}
	key, ep := parts[len(parts)-2], parts[len(parts)-1]
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxCallbackBytes+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, problem.New(problem.InvalidArgument, "the body of the callback cannot be read"))
		return
	}
	if len(raw) > maxCallbackBytes {
		refuse(w, http.StatusRequestEntityTooLarge, problem.New(problem.InvalidArgument, "the body of a callback has at most %d bytes", maxCallbackBytes))
		return
	}
	cb := callback{Endpoint: key + "." + ep, Seq: state.NewID(),
		Received: d.opts.Clock.Now(), Request: boxed{callbackRequest(r, raw)}}
	cb.ID = cb.Endpoint + "." + cb.Seq
	if k := r.Header.Get("Idempotency-Key"); k != "" {
		cb.ID = cb.Endpoint + "." + sourceHash([]byte(k))
	}
	status, err := d.storeCallback(r, key, cb)
	if err != nil {
		refuse(w, status, problem.Of(err))
		return
	}
	d.mu.Lock()
	run := d.runners[key]
	d.mu.Unlock()
	if run != nil {
		select {
		case run.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}\n")
}

// storeCallback writes a callback if its endpoint exists; the status says why not.
func (d *Driver) storeCallback(r *http.Request, key string, cb callback) (int, error) {
	status := http.StatusServiceUnavailable
	err := d.store.db.Transact(r.Context(), func(tx *state.Tx) error {
		ep, err := state.Get(tx, d.store.endpoints, cb.Endpoint)
		if problem.Is(err, problem.NotFound) {
			if e, err := state.Get(tx, d.store.executions, key); err == nil && e.Status != workflow.Active {
				status = http.StatusGone
				return problem.New(problem.FailedPrecondition, "execution %s has ended", key)
			}
			status = http.StatusNotFound
			return problem.New(problem.NotFound, "there is no such callback endpoint")
		} else if err != nil {
			return err
		}
		if ep.Method != r.Method {
			status = http.StatusMethodNotAllowed
			return problem.New(problem.InvalidArgument, "the callback endpoint expects %s, not %s", ep.Method, r.Method)
		}
		if _, err := state.Get(tx, d.store.callbacks, cb.ID); err == nil {
			return nil
		} else if !problem.Is(err, problem.NotFound) {
			return err
		}
		return state.Put(tx, d.store.callbacks, cb.ID, cb)
	})
	return status, err
}

// callbackRequest is http_request as await_callback gives it. The Authorization
// header stays out of the state.
func callbackRequest(r *http.Request, raw []byte) map[string]any {
	body, err := decodeBody(r.Header.Get("Content-Type"), raw)
	if err != nil {
		body = strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	h := headers(r.Header)
	delete(h, "Authorization")
	delete(h, "Cookie")
	query := map[string]any{}
	for k, v := range r.URL.Query() {
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		query[k] = list
	}
	return map[string]any{"body": body, "headers": h, "method": r.Method, "query": query, "url": r.URL.RequestURI()}
}

func refuse(w http.ResponseWriter, status int, e *problem.Error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status,
		"code": e.Code, "detail": e.Message,
	})
}

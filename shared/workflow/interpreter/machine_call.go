package interpreter

import (
	"strings"
)

// call performs a call step.
func (m *machine) call(t *thread, s *step) error {
	c := s.call
	if r, ok := m.def.routines[c.fn]; ok {
		if m.depth(t) >= maxCallDepth {
			return tooDeep()
		}
		args, err := m.arguments(t, c, r.params)
		if err != nil {
			return err
		}
		t.push(routineFrame(r, args))
		return nil
	}
	fn := functions[c.fn]
	args, err := m.arguments(t, c, fn.params)
	if err != nil {
		return err
	}
	var v any
	if fn.blocking {
		v, err = m.effect(t, c.fn, named(fn.params, args))
	} else {
		v, err = fn.run(m.env(t), args)
	}
	if err != nil || t.Wait != nil {
		return err
	}
	if err := m.setResult(t, c.result, v); err != nil {
		return err
	}
	m.jump(t, s.next)
	return nil
}

// arguments evaluates named arguments into the order of the parameters.
func (m *machine) arguments(t *thread, c *call, params []param) ([]any, error) {
	out := make([]any, len(params))
	for i, p := range params {
		out[i] = p.def
		for _, a := range c.args {
			if a.name == p.name {
				v, err := m.eval(t, a.value)
				if err != nil {
					return nil, err
				}
				out[i] = v
			}
		}
	}
	return out, nil
}

func named(params []param, args []any) map[string]any {
	out := make(map[string]any, len(params))
	for i, p := range params {
		out[p.name] = args[i]
	}
	return out
}

// effect performs an effect at once, or writes down the one to wait for.
func (m *machine) effect(t *thread, fn string, a map[string]any) (any, error) {
	w := &wait{N: m.st.Steps}
	switch fn {
	case "sys.log":
		return nil, m.logLine(t, a)
	case "sys.sleep":
		n, ok := number(a["seconds"])
		if !ok || n < 0 || n > maxExecutionTime.Seconds() {
			return nil, raise(TagValue, "seconds is a number from 0 to %d", int64(maxExecutionTime.Seconds()))
		}
		w.Kind, w.Until = waitSleep, m.sys.now().Add(seconds(n))
	case "sys.sleep_until":
		s, err := stringArg(a["time"])
		if err != nil {
			return nil, err
		}
		if w.Until, err = parseTime(s); err != nil {
			return nil, err
		}
		w.Kind = waitSleep
	case "events.create_callback_endpoint":
		method, err := stringArg(a["http_callback_method"])
		if err != nil {
			return nil, err
		}
		if !contained([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}, method) {
			return nil, raise(TagValue, "%q is not a callback method", method)
		}
		id, url := m.newEndpoint(method)
		m.st.Endpoints = append(m.st.Endpoints, id)
		return map[string]any{"url": url}, nil
	case "events.await_callback":
		if err := m.await(w, a); err != nil {
			return nil, err
		}
	default:
		r, err := newRequest(fn, a)
		if err != nil {
			return nil, err
		}
		w.Kind, w.Request = waitHTTP, r
	}
	t.Wait = w
	if err := m.limitMemory(); err != nil {
		t.Wait = nil
		return nil, err
	}
	return nil, nil
}

func (m *machine) await(w *wait, a map[string]any) error {
	cb, err := mapArg(a["callback"])
	if err != nil {
		return err
	}
	url, err := stringArg(cb["url"])
	if err != nil {
		return err
	}
	n, ok := number(a["timeout"])
	if !ok || n <= 0 || n > maxExecutionTime.Seconds() {
		return raise(TagValue, "timeout is a number of seconds above 0")
	}
	w.Kind, w.Endpoint = waitCallback, url[strings.LastIndex(url, "/")+1:]
	w.Until = m.sys.now().Add(seconds(n))
	if !contained(m.st.Endpoints, w.Endpoint) {
		return raise(TagValue, "%s is not a callback endpoint of this execution", url)
	}
	return nil
}

// complete gives a waiting thread the outcome of what it waited for.
func (m *machine) complete(t *thread, v any, err error) {
	w := t.Wait
	t.Wait = nil
	m.undo = m.undo[:0]
	if w.Retry {
		m.settle(t)
		return
	}
	s := m.current(t)
	if err == nil {
		err = m.setResult(t, s.call.result, v)
	}
	if err != nil {
		m.throw(t, m.locate(t, s, err))
	} else {
		m.jump(t, s.next)
	}
	m.settle(t)
}

// logger gives the level of slog for a severity of Cloud Logging.
func (m *machine) logger(severity string) func(msg string, args ...any) {
	switch severity {
	case "DEFAULT", "INFO", "NOTICE":
		return m.log.Info
	case "DEBUG":
		return m.log.Debug
	case "WARNING":
		return m.log.Warn
	case "ERROR", "CRITICAL", "ALERT", "EMERGENCY":
		return m.log.Error
	}
	return nil
}

func (m *machine) logLine(t *thread, a map[string]any) error {
	severity, err := stringArg(a["severity"])
	if err != nil {
		return err
	}
	log := m.logger(severity)
	if log == nil {
		return raise(TagValue, "severity %q is not known", severity)
	}
	var msg any
	n := 0
	for _, k := range []string{"data", "text", "json"} {
		if a[k] != nil {
			msg, n = a[k], n+1
		}
	}
	if n != 1 {
		return raise(TagValue, "sys.log takes one of data, text and json")
	}
	text, isText := msg.(string)
	if !isText {
		b, err := toJSON(msg)
		if err != nil {
			return err
		}
		text = string(b)
	}
	log(text, "workflow", m.def.name, "at", m.routineOf(t)+"."+m.current(t).name)
	return nil
}

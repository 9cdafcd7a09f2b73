package interpreter

func (l *loader) try(s *step, n *node) *try {
	t := &try{}
	body := n.get("try")
	switch {
	case body.kind == mapNode && len(body.keys) == 1 && body.keys[0].v == "steps":
		t.body = l.steps(body.items[0])
	case body.kind == mapNode:
		t.body = l.inline(s.name, s.at, body)
	default:
		l.errorf(body.position, "try has steps, or one step")
	}
	if r := n.get("retry"); r != nil {
		t.retry = l.retry(r)
	}
	if e := n.get("except"); e != nil && l.mapWith(e, "except", "as", "steps") {
		if as := e.get("as"); as != nil {
			t.as = l.variable(as, "as")
		}
		if steps := e.get("steps"); steps != nil {
			t.except = l.steps(steps)
		} else {
			l.errorf(e.position, "except has no steps")
		}
	}
	if n.get("retry") == nil && n.get("except") == nil {
		l.errorf(body.position, "try needs retry or except")
	}
	return t
}

// Default policies, https://cloud.google.com/workflows/docs/reference/stdlib/http/default_retry.
var defaultPolicies = map[string]string{
	"http.default_retry":                "http.default_retry_predicate",
	"http.default_retry_non_idempotent": "http.default_retry_predicate_non_idempotent",
}

// defaultRetries is max_retries of the default policies, and of one that names none.
const defaultRetries = 5

// retry reads a policy: the name of a default one, or predicate, max_retries, backoff.
func (l *loader) retry(n *node) *retry {
	r := &retry{at: n.position}
	if n.kind != mapNode {
		policy, _ := l.reference(n) // what is no reference names no policy either
		var ok bool
		if r.predicate, ok = defaultPolicies[policy]; !ok {
			l.errorf(n.position, "retry is ${http.default_retry}, ${http.default_retry_non_idempotent} or a map")
		}
		return r
	}
	if !l.mapWith(n, "retry", "predicate", "max_retries", "backoff") {
		return r
	}
	if p := n.get("predicate"); p == nil {
		l.errorf(n.position, "retry has no predicate, which says what is retried")
	} else if name, ok := l.reference(p); ok {
		r.predicate, r.at = name, p.position
	} else {
		l.errorf(p.position, "predicate is the name of a function, e.g. ${http.default_retry_predicate}")
	}
	if m := n.get("max_retries"); m != nil {
		r.max = l.value(m)
	}
	b := n.get("backoff")
	if b == nil {
		return r
	}
	if b.kind != mapNode {
		if name, _ := l.reference(b); name != "retry.default_backoff" {
			l.errorf(b.position, "backoff is ${retry.default_backoff} or a map")
		}
		return r
	}
	if l.mapWith(b, "backoff", "initial_delay", "max_delay", "multiplier") {
		for key, dst := range map[string]*expr{"initial_delay": &r.initial, "max_delay": &r.maxDelay, "multiplier": &r.multiplier} {
			if v := b.get(key); v != nil {
				*dst = l.value(v)
			}
		}
	}
	return r
}

// reference reads ${a.b}, the name of a function that is not called.
func (l *loader) reference(n *node) (string, bool) {
	s, ok := n.str()
	if !ok || len(s) < 4 || s[:2] != "${" || s[len(s)-1] != '}' {
		return "", false
	}
	x, err := parseExpr(s[2 : len(s)-1])
	if err != nil {
		return "", false
	}
	name := dotted(x)
	return name, name != ""
}

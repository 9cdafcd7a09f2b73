package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// ErrSnapshotLost tells that the session which exported a plan's snapshot is
// gone. The caller's duty: plan again as a new epoch.
var ErrSnapshotLost = errors.New("the source's snapshot is gone")

// FieldType of a connector's input.
type FieldType string

const (
	Text   FieldType = "text"   // one line
	Block  FieldType = "block"  // several lines, e.g. a certificate
	Number FieldType = "number" // an integer
	Choice FieldType = "choice" // one of Choices
)

// Field is one input of a connector. It drives the form, the check and the redaction.
type Field struct {
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	Help     string    `json:"help,omitempty"`
	Type     FieldType `json:"type"`
	Required bool      `json:"required,omitempty"`
	// Secret fields are kept in the secret store and never sent back.
	Secret  bool     `json:"secret,omitempty"`
	Default any      `json:"default,omitempty"`
	Example string   `json:"example,omitempty"`
	Choices []string `json:"choices,omitempty"`
	Min     int64    `json:"min,omitempty"`
	Max     int64    `json:"max,omitempty"`
}

// Capabilities of a kind.
type Capabilities struct {
	Tables      bool `json:"tables"`      // has schemas and tables
	Files       bool `json:"files"`       // reads files of a pattern
	Incremental bool `json:"incremental"` // can read a window of a timestamp column
	Snapshot    bool `json:"snapshot"`    // chunks share one consistent snapshot, where a process lasts to hold it
}

// Kind describes a connector.
type Kind struct {
	Name         string       `json:"name"`
	Title        string       `json:"title"`
	Category     string       `json:"category"` // "relational", "storage"
	Help         string       `json:"help,omitempty"`
	Fields       []Field      `json:"fields"`
	Capabilities Capabilities `json:"capabilities"`
	// BuiltIn kinds have one connection that always exists and no form.
	BuiltIn bool `json:"built_in,omitempty"`
	// Identity lists the fields that make two connections the same one.
	Identity []string `json:"-"`
	// Open connects lazily; it MUST NOT fail because the source is away.
	Open func(ctx context.Context, c Config) (Source, error) `json:"-"`
}

// Config holds a connection's inputs, defaults applied.
type Config struct {
	Params  map[string]any
	Secrets map[string]string
	Guard   *Guard
}

// Text gives a text input, "" when absent.
func (c Config) Text(name string) string {
	if s, ok := c.Secrets[name]; ok {
		return s
	}
	switch v := c.Params[name].(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// Int gives a number input, 0 when absent.
func (c Config) Int(name string) int64 {
	n, _ := integer(c.Params[name])
	return n
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64: // numbers of decoded JSON
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Split checks inputs and divides them: params without secrets, defaults
// applied, and secrets. All findings come at once. A secret that is missing but
// named in kept is fine: the stored one stays.
func (k *Kind) Split(in map[string]any, kept []string) (params map[string]any, secrets map[string]string, err error) {
	params, secrets = map[string]any{}, map[string]string{}
	p := problem.New(problem.InvalidArgument, "the %s connection's inputs are not complete", k.Title)
	for _, f := range k.Fields {
		v, given := in[f.Name]
		if s, ok := v.(string); ok {
			if !f.Secret {
				s = strings.TrimSpace(s)
				v = s
			}
			given = s != ""
		}
		if !given || v == nil {
			if f.Default != nil && !f.Secret {
				params[f.Name] = f.Default
			} else if f.Required && !(f.Secret && slices.Contains(kept, f.Name)) {
				p.WithField("params."+f.Name, "%s is needed", f.Title)
			}
			continue
		}
		switch f.Type {
		case Number:
			n, ok := integer(v)
			if !ok || n < f.Min || f.Max != 0 && n > f.Max {
				p.WithField("params."+f.Name, "%s is a whole number from %d to %d", f.Title, f.Min, f.Max)
				continue
			}
			params[f.Name] = n
		case Choice:
			s, _ := v.(string)
			if !slices.Contains(f.Choices, s) {
				p.WithField("params."+f.Name, "%s is one of %s", f.Title, strings.Join(f.Choices, ", "))
				continue
			}
			params[f.Name] = s
		default:
			s, ok := v.(string)
			if !ok || len(s) > 64<<10 || strings.ContainsRune(s, 0) {
				p.WithField("params."+f.Name, "%s is text of at most 64 KiB", f.Title)
				continue
			}
			if f.Secret {
				secrets[f.Name] = s
			} else {
				params[f.Name] = s
			}
		}
	}
	for name := range in {
		if !slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Name == name }) {
			p.WithField("params."+name, "%s connections have no input of this name", k.Title)
		}
	}
	if len(p.Fields) > 0 {
		slices.SortFunc(p.Fields, func(a, b problem.Field) int { return strings.Compare(a.Location, b.Location) })
		return nil, nil, p.WithNext(problem.TurnYou, "Correct the inputs named in errors.")
	}
	return params, secrets, nil
}

// IdentityOf gives a text that two connections to the same place share.
func (k *Kind) IdentityOf(params map[string]any) string {
	parts := []string{k.Name}
	c := Config{Params: params}
	for _, name := range k.Identity {
		parts = append(parts, strings.ToLower(c.Text(name)))
	}
	return strings.Join(parts, "\x00")
}

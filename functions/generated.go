package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/platform"
)

// entry is a function as the infrastructure code reads it.
type entry struct {
	platform.Function
	TimeoutSeconds int      `json:"timeout_seconds"`
	Paths          []string `json:"paths,omitempty"` // of HTTP functions
}

// JSON renders the catalogue for the infrastructure code: the content of functions.json,
// with the topics that no entry names.
func JSON() ([]byte, error) {
	var out []entry
	for _, f := range Catalog() {
		e := entry{Function: f, TimeoutSeconds: int(f.Timeout.Seconds())}
		if f.Kind == platform.HTTP {
			a := api.New(chi.NewRouter())
			f.Register(a, &platform.Platform{})
			e.Paths = slices.Sorted(maps.Keys(a.OpenAPI().Paths))
		}
		out = append(out, e)
	}
	b, err := json.MarshalIndent(map[string]any{"functions": out, "topics": map[string]any{"native": Native, "unheard": Unheard}}, "", "  ")
	return append(b, '\n'), err
}

// Markdown renders the catalogue as the reference table of the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Functions\n\nGenerated from `functions/catalog.go` by `b2brecs functions --markdown`.\n\n| function | what it does | trigger | memory | timeout | at once | roles |\n|---|---|---|---|---|---|---|\n")
	for _, f := range Catalog() {
		trigger := map[platform.Kind]string{platform.HTTP: "HTTP", platform.Call: "call by a workflow", platform.Event: "topic `" + f.Topic + "`"}[f.Kind]
		switch {
		case f.Bucket != "":
			trigger = "object finalized in `" + f.Bucket + "`"
		case f.Cron != "":
			trigger = "call at `" + f.Cron + "`, UTC"
		}
		roles := make([]string, len(f.Roles))
		for i, r := range f.Roles {
			roles[i] = "`" + string(r) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d MiB | %s | %d | %s |\n", f.Name, f.Summary, trigger, f.MemoryMiB, f.Timeout, f.Concurrency, strings.Join(roles, ", "))
	}
	return b.String()
}

// OpenAPI renders the document of all HTTP functions together, as the embedded
// server has it but for its session routes.
func OpenAPI() ([]byte, error) {
	a := api.New(chi.NewRouter())
	for _, f := range Catalog() {
		if f.Kind == platform.HTTP {
			f.Register(a, &platform.Platform{})
		}
	}
	b, err := json.MarshalIndent(a.OpenAPI(), "", "  ")
	return append(b, '\n'), err
}

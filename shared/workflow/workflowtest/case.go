package workflowtest

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
)

//go:embed testdata/cases
var files embed.FS

// Case is one folder of testdata/cases.
type Case struct {
	Name   string `yaml:"-"`
	Source []byte `yaml:"-"`

	// Doc says what the case shows.
	Doc string `yaml:"doc"`
	// Needs is an ability that a driver may lack.
	Needs Ability `yaml:"needs"`
	// Argument of the execution. "$URL" in a string is the address of the server.
	Argument any `yaml:"argument"`
	// HTTP are the routes of the server.
	HTTP []Route `yaml:"http"`

	// Exactly one of Result, Error and Refused is expected.
	Result  any       `yaml:"result"`
	Error   *Failure  `yaml:"error"`
	Refused []Refusal `yaml:"refused"`
	// Calls the server must have got, in order: "METHOD /path?query body". With
	// Unordered their order does not matter.
	Calls     []string `yaml:"calls"`
	Unordered bool     `yaml:"unordered"`
}

// Route answers one path: the n-th call gets the n-th reply, later ones the last.
type Route struct {
	Path    string  `yaml:"path"`
	Replies []Reply `yaml:"replies"`
}

// Reply is one answer. Text is sent as it is, Body as JSON.
type Reply struct {
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    any               `yaml:"body"`
	Text    string            `yaml:"text"`
	// Drop closes the connection without an answer; DelayMS waits first.
	Drop    bool `yaml:"drop"`
	DelayMS int  `yaml:"delay_ms"`
	// Callback makes requests of its own to the URL in the "callback_url" field of
	// the request, before (Before) or after the answer.
	Callback []Callback `yaml:"callback"`
}

// Callback is a request to a callback endpoint.
type Callback struct {
	Method string `yaml:"method"`
	Body   any    `yaml:"body"`
	Key    string `yaml:"key"` // Idempotency-Key
	Before bool   `yaml:"before"`
	// Status the endpoint must answer; 0 means 200.
	Status int `yaml:"status"`
}

// Failure is an expected error of an execution.
type Failure struct {
	Code    string `yaml:"code"`    // of the problem; "" is not compared
	Message string `yaml:"message"` // a part of it
	Step    string `yaml:"step"`    // a part of it
}

// Refusal is a finding at load.
type Refusal struct {
	At      string `yaml:"at"`      // "line:column"
	Message string `yaml:"message"` // a part of it
}

// Cases reads all cases.
func Cases(t *testing.T) []Case {
	t.Helper()
	dirs, err := fs.ReadDir(files, "testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	var out []Case
	for _, d := range dirs {
		dir := path.Join("testdata/cases", d.Name())
		raw, err := files.ReadFile(path.Join(dir, "case.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		src, err := files.ReadFile(path.Join(dir, "workflow.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		c := Case{Name: d.Name(), Source: src}
		if err := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&c); err != nil {
			t.Fatalf("%s/case.yaml: %v", d.Name(), err)
		}
		out = append(out, c)
	}
	return out
}

// Definitions gives the workflows of the cases as a file system, one file "<name>.yaml"
// for each.
func Definitions(cases ...Case) fs.FS {
	m := fstest.MapFS{}
	for _, c := range cases {
		m[c.Name+".yaml"] = &fstest.MapFile{Data: c.Source}
	}
	return m
}

// canonical gives v as JSON with sorted keys, "$URL" replaced.
func canonical(t *testing.T, v any, url string) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "$URL", url)
}

package functions_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/platform"
)

// Every entry of the catalogue can be deployed and reached.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range functions.Catalog() {
		handlers := 0
		for _, set := range []bool{f.Register != nil, f.Call != nil, f.Event != nil} {
			if set {
				handlers++
			}
		}
		if seen[f.Name] || f.Summary == "" || f.MemoryMiB == 0 || f.Timeout == 0 || f.Concurrency == 0 || len(f.Roles) == 0 || handlers != 1 {
			t.Errorf("the entry %q is not complete", f.Name)
		}
		if (f.Kind == platform.Event) != (f.Topic != "") {
			t.Errorf("the entry %q has kind %s and topic %q", f.Name, f.Kind, f.Topic)
		}
		seen[f.Name] = true
	}
}

// A topic is either heard or said to be unheard, and what arrives in other words is heard.
func TestTopics(t *testing.T) {
	heard := map[string]bool{}
	for _, f := range functions.Catalog() {
		heard[f.Topic] = true
	}
	for _, topic := range functions.Unheard {
		if heard[topic] {
			t.Errorf("%s has a subscriber", topic)
		}
	}
	for topic, from := range functions.Native {
		if !heard[topic] || heard[from] {
			t.Errorf("%s of %s: heard %t, its source %t", topic, from, heard[topic], heard[from])
		}
	}
	b, err := functions.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Topics struct {
			Native  map[string]string `json:"native"`
			Unheard []string          `json:"unheard"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(b, &file); err != nil || !maps.Equal(file.Topics.Native, functions.Native) || !slices.Equal(file.Topics.Unheard, functions.Unheard) {
		t.Errorf("functions.json says %+v, %v", file.Topics, err)
	}
}

package cloudbox

import (
	"slices"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// The box makes the topics that functions.json names, and subscribes a function where
// its messages come from.
func TestReadCatalog(t *testing.T) {
	catalog, topics, err := readCatalog([]byte(`{"functions": [{"name": "a", "topic": "told"}, {"name": "b", "topic": "heard"}],
		"topics": {"native": {"told": "log"}, "unheard": ["ended"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if catalog[0].source != "log" || catalog[1].source != "heard" || !slices.Equal(topics, []string{"log", "ended"}) {
		t.Errorf("%+v, %v", catalog, topics)
	}
	for _, file := range []string{"{", `{"functions": []}`} {
		if _, _, err := readCatalog([]byte(file)); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

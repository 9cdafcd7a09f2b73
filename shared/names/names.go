package names

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Names of one collection.
type Names struct {
	kind  string
	taken *state.Collection[holder]
}

type holder struct {
	ID string `json:"id"`
}

// Of gives the names of a collection; kind says in messages what has them, e.g. "job".
func Of(db *state.DB, collection, kind string) Names {
	return Names{kind, state.Of[holder](db, collection+"_names")}
}

// Rename gives a name to the document id in place of the old one. "" is no name:
// as old for a new document, as name for one that goes. Names are equal when their
// lower-case forms are, blanks around them aside. AlreadyExists, with the field
// "name", when another document has it.
func (n Names) Rename(tx *state.Tx, id, old, name string) error {
	from, to := key(old), key(name)
	if from == to {
		return nil
	}
	if to != "" {
		have, err := state.Get(tx, n.taken, to)
		if err == nil && have.ID != id {
			return problem.New(problem.AlreadyExists, "a %s named %q exists already", n.kind, strings.TrimSpace(name)).
				WithField("name", "is taken").WithNext(problem.TurnYou, "Choose another name.")
		}
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if err := state.Put(tx, n.taken, to, holder{id}); err != nil {
			return err
		}
	}
	if from == "" {
		return nil
	}
	return state.Delete(tx, n.taken, from)
}

// key makes a document id of a name; "" of none.
func key(name string) string {
	if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

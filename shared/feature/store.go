package feature

import (
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// Store keeps a project's feature configs.
type Store = versioned.Store[Definition]

// NewStore makes the store of a project.
func NewStore(db *state.DB, project string) *Store {
	return versioned.New[Definition](db, "feature config", project, Collection(project), VersionsCollection(project))
}

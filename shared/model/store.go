package model

import (
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// Store keeps a project's model configs.
type Store = versioned.Store[Definition]

// NewStore makes the store of a project.
func NewStore(db *state.DB, project string) *Store {
	return versioned.New[Definition](db, "model config", project, Collection(project), VersionsCollection(project))
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
	workflows "github.com/b2brecs/b2brecs/workflows-yaml"
)

// tokenLife is how long the owner's token is good for; a box seldom lives longer.
const tokenLife = 7 * 24 * time.Hour

type options struct {
	root string // of the repository
	dir  string
	port int
	unit string
	log  *slog.Logger
}

// box is a running box that the command line finds by its folder.
type box struct {
	*cloudbox.Box
	folder *embedded.Folder
	token  string // the owner's
}

// start takes the folder for this process and starts a box in it.
func start(ctx context.Context, o options) (_ *box, err error) {
	if _, err := os.Stat(filepath.Join(o.dir, "warehouse.duckdb")); err == nil {
		return nil, problem.New(problem.FailedPrecondition, "the folder %s holds the data of an embedded platform", o.dir).
			WithNext(problem.TurnYou, "Choose another folder with --data: what is in a box's folder is removed.")
	}
	files := map[string][]byte{"functions.json": nil, "shared/state/firestore/indexes.json": nil}
	for name := range files {
		if files[name], err = os.ReadFile(filepath.Join(o.root, filepath.FromSlash(name))); err != nil {
			return nil, problem.Wrap(err, problem.FailedPrecondition, "the box starts from the repository's root")
		}
	}
	folder, err := embedded.OpenFolder(o.dir)
	if err != nil {
		return nil, err
	}
	b := &box{folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	b.Box, err = cloudbox.Start(ctx, cloudbox.Options{
		Dir: folder.Path("box"), Port: o.port, Unit: o.unit, Catalog: files["functions.json"], Indexes: files["shared/state/firestore/indexes.json"],
		Definitions: workflows.Files, Runtime: runtime.Files, Python: embedded.DefaultPython(), Log: o.log,
	})
	if err != nil {
		return nil, err
	}
	if b.token, err = b.OwnerToken(tokenLife); err != nil {
		return nil, err
	}
	return b, folder.WriteProcess(embedded.Process{PID: os.Getpid(), URL: b.URL, Token: b.token, Started: time.Now().UTC()})
}

// close ends the box and gives the folder back.
func (b *box) close() error {
	var err error
	if b.Box != nil {
		err = b.Box.Close()
	}
	return errors.Join(err, b.folder.RemoveProcess(), b.folder.Close())
}

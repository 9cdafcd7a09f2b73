// Package home starts a Google Cloud in a box from the repository, in a folder where
// the command line finds it, for the command box and for the benchmarks. See
// shared/platform/cloudbox.
package home

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/b2brecs/b2brecs/frontend"
	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
	workflows "github.com/b2brecs/b2brecs/workflows-yaml"
)

// tokenLife is how long the owner's token is good for; a box seldom lives longer.
const tokenLife = 7 * 24 * time.Hour

// Options of Start; Root, Dir, Unit and Log are required.
type Options struct {
	// Root of the repository.
	Root string
	// Dir is the data folder that the command line is told.
	Dir string
	// Port, Unit, Single, TokenLife and Acknowledged are cloudbox.Options'.
	Port         int
	Unit         string
	Single       bool
	TokenLife    time.Duration
	Acknowledged func(subscription string, m *pubsubpb.PubsubMessage)
	Log          *slog.Logger
}

// Box is a running box that the command line finds by its folder.
type Box struct {
	*cloudbox.Box
	// Token is the owner's.
	Token string

	folder *embedded.Folder
}

// Start takes the folder for this process and starts a box in it. FailedPrecondition
// when the folder is in use or holds the data of an embedded platform.
func Start(ctx context.Context, o Options) (_ *Box, err error) {
	if _, err := os.Stat(filepath.Join(o.Dir, "warehouse.duckdb")); err == nil {
		return nil, problem.New(problem.FailedPrecondition, "the folder %s holds the data of an embedded platform", o.Dir).
			WithNext(problem.TurnYou, "Choose another folder with --data: what is in a box's folder is removed.")
	}
	files := map[string][]byte{"functions.json": nil, "shared/state/firestore/indexes.json": nil}
	for name := range files {
		if files[name], err = os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(name))); err != nil {
			return nil, problem.Wrap(err, problem.FailedPrecondition, "the box starts from the repository's root")
		}
	}
	folder, err := embedded.OpenFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	b := &Box{folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	b.Box, err = cloudbox.Start(ctx, cloudbox.Options{
		Dir: folder.Path("box"), Port: o.Port, Unit: o.Unit, Single: o.Single, TokenLife: o.TokenLife, Acknowledged: o.Acknowledged,
		Page:    embedded.Page(frontend.Page()),
		Catalog: files["functions.json"], Indexes: files["shared/state/firestore/indexes.json"],
		Definitions: workflows.Files, Runtime: runtime.Files, Python: embedded.DefaultPython(), Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	if b.Token, err = b.OwnerToken(tokenLife); err != nil {
		return nil, err
	}
	return b, folder.WriteProcess(embedded.Process{PID: os.Getpid(), URL: b.URL, Token: b.Token, Started: time.Now().UTC()})
}

// Close ends the box and gives the folder back.
func (b *Box) Close() error {
	var err error
	if b.Box != nil {
		err = b.Box.Close()
	}
	return errors.Join(err, b.folder.RemoveProcess(), b.folder.Close())
}

// Platform opens what a function of the box gets. The caller closes it.
func (b *Box) Platform() (*cloud.Platform, error) {
	env := map[string]string{}
	for _, kv := range b.Environment() {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	c, err := cloud.ReadConfig(func(k string) string { return env[k] })
	if err != nil {
		return nil, err
	}
	return cloud.New(c, slog.New(slog.DiscardHandler))
}

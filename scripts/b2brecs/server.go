package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/b2brecs/b2brecs/frontend"
	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	workflows "github.com/b2brecs/b2brecs/workflows-yaml"
)

// server is an embedded platform that answers in this process.
type server struct {
	platform *embedded.Platform
	folder   *embedded.Folder
	client   *client.Client
	address  string
	stop     context.CancelFunc
	export   func(context.Context) error // the last spans
	done     chan error
}

type serverOptions struct {
	dir, host string
	port      int
	log       *slog.Logger
}

// startServer opens the data folder, listens, and serves until ctx ends or Close.
func startServer(ctx context.Context, o serverOptions) (_ *server, err error) {
	folder, err := embedded.OpenFolder(o.dir)
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, done: make(chan error, 1), export: func(context.Context) error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release(ctx))
		}
	}()
	if s.export, err = telemetry.Start(ctx, telemetry.Options{Service: "b2brecs"}); err != nil {
		return nil, err
	}
	l, err := listen(ctx, o.host, o.port)
	if err != nil {
		return nil, err
	}
	s.address = "http://" + l.Addr().String()
	// What the platform runs ends after the HTTP server has: requests in flight still need it.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.platform, err = embedded.Open(inner, embedded.Options{
		Folder: folder, URL: s.address, Definitions: workflows.Files, Runtime: runtime.Files, Log: o.log,
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	handler, err := s.platform.Mount(functions.Catalog(), frontend.Page())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	owner, _, err := s.platform.Users.EnsureOwner(ctx)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	token, err := s.platform.Users.Session(ctx, owner.Subject)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.client = client.New(s.address, token)
	go func() { s.done <- embedded.Serve(ctx, l, handler) }()
	if err := s.platform.Resume(inner); err != nil {
		return nil, err
	}
	if err := s.platform.Schedule(inner, functions.Catalog()); err != nil {
		return nil, err
	}
	return s, folder.WriteProcess(embedded.Process{PID: os.Getpid(), URL: s.address, Token: token, Started: time.Now().UTC()})
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, problem.New(problem.FailedPrecondition, "port %d on %s is taken by another program", port, host).
			WithNext(problem.TurnYou, "Choose another with --port, or stop the other program.")
	}
	return l, problem.Wrap(err, problem.InvalidArgument, "cannot listen on %s port %d", host, port)
}

// signInLink makes a one-time link for the owner.
func (s *server) signInLink(ctx context.Context) (string, error) {
	owner, _, err := s.platform.Users.EnsureOwner(ctx)
	if err != nil {
		return "", err
	}
	code, err := s.platform.Users.SignInCode(ctx, owner.Subject)
	return s.address + "/signin?code=" + code, err
}

// Wait returns when the server has stopped answering.
func (s *server) Wait() error { return <-s.done }

// release ends the platform and gives the folder back.
func (s *server) release(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var err error
	if s.platform != nil {
		err = s.platform.Close(closing)
	}
	if s.stop != nil {
		s.stop()
	}
	exporting, cancel := context.WithTimeout(closing, time.Second)
	defer cancel()
	if e := s.export(exporting); e != nil {
		slog.WarnContext(ctx, "the last spans are lost", "error", e)
	}
	return errors.Join(err, s.folder.RemoveProcess(), s.folder.Close())
}

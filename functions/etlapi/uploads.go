package etlapi

import (
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/file"
)

// Upload is an object of the uploads bucket.
type Upload struct {
	Key        string    `json:"key"`
	Generation string    `json:"generation"`
	Size       int64     `json:"size"`
	ModifiedAt time.Time `json:"modified_at"`
}

type putUpload struct {
	Key string `path:"key" maxLength:"1024"`
	ctx huma.Context
}

// Resolve implements huma.Resolver: the body is streamed, not read into memory.
func (in *putUpload) Resolve(c huma.Context) []error {
	in.ctx = c
	return nil
}

type detect struct {
	Body struct {
		Key     string           `json:"key" maxLength:"1024"`
		Options *etl.FileOptions `json:"options,omitempty"`
	}
}

func (s Services) registerUploads(a huma.API) {
	api.Handle(a, api.Op{ID: "listUploads", Method: http.MethodGet, Path: "/v1/uploads", Tag: tag, Role: identity.Viewer, Summary: "List uploaded files, newest first"},
		func(ctx context.Context, _ *struct{}) (*api.ListOut[Upload], error) {
			all, err := s.uploads(ctx)
			return api.Lists(all, "", err)
		})
	// A key's slashes are percent-encoded: the key is one part of the path.
	api.Handle(a, api.Op{ID: "putUpload", Method: http.MethodPut, Path: "/v1/uploads/{key}", Tag: tag, Role: identity.Manager, Status: http.StatusCreated, MaxBody: -1, Summary: "Upload a file; its job starts by itself"},
		func(ctx context.Context, in *putUpload) (*api.Body[Upload], error) { return api.Reply(s.put(ctx, in)) })
	api.Handle(a, api.Op{ID: "signUpload", Method: http.MethodPost, Path: "/v1/uploads:sign", Tag: tag, Role: identity.Manager, Summary: "Say how to bring a file of any size; its job starts by itself"},
		func(ctx context.Context, in *signUpload) (*api.Body[UploadWay], error) {
			return api.Reply(s.sign(ctx, in.Body.Key, in.Body.Size, in.Body.ContentType))
		})
	api.Handle(a, api.Op{ID: "detectUpload", Method: http.MethodPost, Path: "/v1/uploads:detect", Tag: tag, Role: identity.Manager, Summary: "Describe an uploaded file: format, columns, samples"},
		func(ctx context.Context, in *detect) (*api.Body[source.Description], error) {
			return api.Reply(s.detect(ctx, in.Body.Key, in.Body.Options))
		})
}

func (s Services) uploads(ctx context.Context) ([]Upload, error) {
	list, err := s.Uploads.List(ctx, "")
	if err != nil {
		return nil, err
	}
	out := make([]Upload, 0, len(list))
	for _, o := range list {
		g, err := s.Uploads.Generation(ctx, o.Key)
		if problem.Is(err, problem.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Upload{o.Key, g, o.Size, o.ModTime.UTC()})
	}
	slices.SortStableFunc(out, func(a, b Upload) int { return b.ModifiedAt.Compare(a.ModifiedAt) })
	return out, nil
}

// put streams the body into the bucket; an upload that breaks off leaves nothing.
func (s Services) put(ctx context.Context, in *putUpload) (Upload, error) {
	key := in.Key
	if err := checkKey(key); err != nil {
		return Upload{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.Uploads.NewWriter(ctx, key, nil)
	if err != nil {
		return Upload{}, objects.Problem(err, key)
	}
	n, err := io.Copy(w, in.ctx.BodyReader())
	if err != nil {
		cancel()
		_ = w.Close() // its context has ended: this discards what came
		return Upload{}, problem.Wrap(err, problem.InvalidArgument, "the upload of %q broke off after %d bytes", key, n)
	}
	if err := w.Close(); err != nil {
		return Upload{}, objects.Problem(err, key)
	}
	g, err := s.Uploads.Generation(ctx, key)
	return Upload{key, g, n, time.Now().UTC()}, err
}

func (s Services) detect(ctx context.Context, key string, o *etl.FileOptions) (source.Description, error) {
	if o == nil {
		o = &etl.FileOptions{}
	}
	attrs, err := s.Uploads.Attributes(ctx, key)
	if err != nil {
		return source.Description{}, objects.Problem(err, key)
	}
	g, err := s.Uploads.Generation(ctx, key)
	if err != nil {
		return source.Description{}, err
	}
	return file.New(s.Uploads).DescribeFiles(ctx, []etl.File{{Key: key, Generation: g, Size: attrs.Size, ModifiedAt: attrs.ModTime}}, *o)
}

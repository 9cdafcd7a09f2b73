package main

import (
	"context"
	"path/filepath"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// plain is a bucket in a folder that announces nothing: extracting alone needs no events.
type plain struct {
	*blob.Bucket
	dir string
}

func plainFolder(dir string) (plain, error) {
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true})
	return plain{b, dir}, err
}

func (p plain) Blob() *blob.Bucket                                 { return p.Bucket }
func (p plain) URI(key string) string                              { return filepath.Join(p.dir, key) }
func (p plain) Generation(context.Context, string) (string, error) { return "1", nil }

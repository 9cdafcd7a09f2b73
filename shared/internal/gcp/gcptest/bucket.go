package gcptest

import (
	"context"
	"errors"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Bucket makes a bucket of the run in its region, and removes it with all it holds at
// the end of the test.
func (p *Project) Bucket(t testing.TB, c *storage.Client, name string) *storage.BucketHandle {
	t.Helper()
	b := c.Bucket(name)
	p.Cleanup(t, "bucket "+name, func(ctx context.Context) error { return EmptyBucket(ctx, b) })
	err := b.Create(t.Context(), p.Project, &storage.BucketAttrs{
		Location: p.Region, Labels: p.Labels(), UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true},
		PublicAccessPrevention: storage.PublicAccessPreventionEnforced,
		SoftDeletePolicy:       &storage.SoftDeletePolicy{}, // what is deleted costs nothing
	})
	if err != nil {
		t.Fatalf("make the bucket %s: %v", name, err)
	}
	return b
}

// EmptyBucket deletes every version of every object of a bucket, then the bucket.
func EmptyBucket(ctx context.Context, b *storage.BucketHandle) error {
	it := b.Objects(ctx, &storage.Query{Versions: true})
	for {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return b.Delete(ctx)
		}
		if err != nil {
			return err
		}
		if err := b.Object(o.Name).Generation(o.Generation).Delete(ctx); err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
			return err
		}
	}
}

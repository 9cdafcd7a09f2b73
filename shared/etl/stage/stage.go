// Package stage writes what a chunk gives: Parquet parts, rejected rows, and a
// manifest that comes last.
//
// It promises names that derive from run, epoch, chunk and, for parts, the attempt:
// two attempts may read other rows, and one whose process stood still and went on
// MUST NOT change a part that the next one's manifest names. The manifest and the
// rejects are the chunk's: the last attempt's to end. Every manifest is true, whoever
// wrote it: it exists only when everything it names does. Memory is bounded by one row
// group.
//
// It refuses to judge: what to do with rejects is the run's business.
package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Manifest tells what a chunk left.
type Manifest struct {
	Run      string           `json:"run"`
	Chunk    string           `json:"chunk"`
	Epoch    int              `json:"epoch"`
	Rows     int64            `json:"rows"` // the source's count
	Staged   int64            `json:"staged"`
	Rejected int64            `json:"rejected"`
	Bytes    int64            `json:"bytes"` // read from the source
	Objects  []string         `json:"objects"`
	Reasons  map[string]int64 `json:"reasons,omitempty"` // rejected rows by kind
	Nulled   map[string]int64 `json:"nulled,omitempty"`  // values that became NULL, by "column: reason"
}

const manifests = "manifests/"

// ManifestKey is the key of a chunk's manifest in the staging bucket.
func ManifestKey(run, chunk string) string { return "runs/" + run + "/" + manifests + chunk + ".json" }

// IsManifest reports whether a key of the staging bucket is a manifest's.
func IsManifest(key string) bool {
	return strings.HasPrefix(key, "runs/") && strings.Contains(key, "/"+manifests) && strings.HasSuffix(key, ".json")
}

// RunPrefix holds everything a run stages but its rejects.
func RunPrefix(run string) string { return "runs/" + run + "/" }

// RejectsPrefix holds a run's rejected rows, which are kept.
func RejectsPrefix(run string) string { return "rejects/" + run + "/" }

// ReadManifest reads a manifest. NotFound when the chunk has not ended.
func ReadManifest(ctx context.Context, b *objects.Bucket, key string) (Manifest, error) {
	var m Manifest
	data, err := b.Read(ctx, key)
	if err != nil {
		return m, err
	}
	return m, problem.Wrap(json.Unmarshal(data, &m), problem.Internal, "manifest %q cannot be read", key)
}

func (m Manifest) write(ctx context.Context, b *objects.Bucket) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("manifest of %s: %w", m.Chunk, err)
	}
	return b.Write(ctx, ManifestKey(m.Run, m.Chunk), data)
}

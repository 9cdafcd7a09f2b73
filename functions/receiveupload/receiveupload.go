// Package receiveupload starts the load of a file that was dropped into the
// uploads bucket.
//
// It MUST be safe to repeat: a run's id derives from job, file and generation. A
// file that no job asks for gets a job of its own: the folder it lies in, or its
// own name, becomes the table; files in a folder add up, a bare file replaces.
// Names that begin with a dot or an underscore are left alone.
package receiveupload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source/file"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Services is what the function asks of its platform.
type Services struct {
	ETL          *etl.Store
	Workflows    *workflow.Engine
	FunctionsURL string
}

// Handle starts a run of every job that the file concerns.
func Handle(ctx context.Context, s Services, e objects.Finalized) error {
	base := path.Base(e.Key)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return nil
	}
	jobs, err := s.matching(ctx, e.Key)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		job, err := s.create(ctx, e.Key)
		if err != nil {
			return err
		}
		jobs = append(jobs, job)
	}
	for _, j := range jobs {
		if !j.Enabled {
			continue
		}
		p, err := s.ETL.Files.Get(ctx, etl.FileID(j.ID, e.Key))
		if err == nil && p.Generation == e.Generation {
			continue
		}
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if _, err := s.ETL.StartOrQueue(ctx, s.Workflows, s.FunctionsURL, j.ID, "upload", e.Key+"@"+e.Generation); err != nil {
			return err
		}
	}
	return nil
}

func (s Services) matching(ctx context.Context, key string) ([]etl.Job, error) {
	var out []etl.Job
	for j, err := range s.ETL.Jobs.All(ctx, state.Query{Where: []state.Where{{Field: "connection", Op: state.Eq, Value: etl.UploadsConnection}}}) {
		if err != nil {
			return nil, err
		}
		if j.Files != nil && file.Matches(*j.Files, key) {
			out = append(out, j)
		}
	}
	return out, nil
}

// defaultRejectShare is what a job made here accepts: dirty lines are kept apart
// and shown, a file that is wrong as a whole is refused.
const defaultRejectShare = 0.1

// create makes the job of an unclaimed file. Its id derives from the table, so
// that two files that arrive together make one job.
func (s Services) create(ctx context.Context, key string) (etl.Job, error) {
	dir, base := path.Split(key)
	name, pattern, load := strings.TrimSuffix(dir, "/"), "*", etl.Transactional
	if dir == "" {
		name, pattern, load = stem(base), escape(base), etl.Catalog
	}
	sum := sha256.Sum256([]byte(dir + "\x00" + pattern))
	now := time.Now().UTC()
	j := etl.Job{ID: "u" + hex.EncodeToString(sum[:12]), Name: name, Connection: etl.UploadsConnection, Kind: etl.UploadsConnection,
		Files:       &etl.FileOptions{Prefix: dir, Pattern: pattern, LatestOnly: load == etl.Catalog},
		Destination: warehouse.Ref{Dataset: warehouse.Raw, Name: etl.Name(name)}, Load: load,
		MaxRejectShare: defaultRejectShare, Enabled: true, CreatedAt: now, UpdatedAt: now}
	err := s.ETL.Jobs.Create(ctx, j.ID, j)
	if problem.Is(err, problem.AlreadyExists) {
		return s.ETL.Jobs.Get(ctx, j.ID)
	}
	return j, err
}

// stem is a file's name without the extensions the product knows.
func stem(base string) string {
	for _, ext := range []string{".gz", ".zst", ".csv", ".tsv", ".txt", ".parquet"} {
		if rest, ok := strings.CutSuffix(strings.ToLower(base), ext); ok && rest != "" {
			base = base[:len(rest)]
		}
	}
	return base
}

// escape makes a pattern that matches one name alone.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

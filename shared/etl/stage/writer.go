package stage

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
)

const (
	// partRows closes a Parquet object: about 500,000 rows, in whole batches.
	partRows = 8 * source.BatchRows
	// maxRejectsKept bounds a chunk's reject file; all are counted.
	maxRejectsKept = 10_000
)

// Writer is the sink of one chunk. It is used by one goroutine.
type Writer struct {
	ctx    context.Context
	cancel context.CancelFunc // gives up objects that are not closed
	bucket *objects.Bucket
	schema *arrow.Schema
	props  *parquet.WriterProperties
	m      Manifest
	parts  string // prefix of the Parquet objects

	part     *pqarrow.FileWriter
	object   io.WriteCloser
	inPart   int64
	rejects  io.WriteCloser
	rejected *bufio.Writer
	// Progress, when set, is called after every batch with the rows so far; its
	// error ends the chunk.
	Progress func(rows int64) error
}

// NewWriter makes the sink of an attempt to read a chunk; batches have the given schema.
func NewWriter(ctx context.Context, bucket *objects.Bucket, c etl.Chunk, schema *arrow.Schema) *Writer {
	ctx, cancel := context.WithCancel(ctx)
	return &Writer{ctx: ctx, cancel: cancel, bucket: bucket, schema: schema, props: properties(schema), parts: fmt.Sprintf("%sparts/%s/%d/", RunPrefix(c.Run), c.ID, c.Attempts),
		m: Manifest{Run: c.Run, Chunk: c.ID, Epoch: c.Epoch, Objects: []string{}, Reasons: map[string]int64{}}}
}

// properties: zstd at level 1 writes as fast as no compression on disks that are
// not memory; a dictionary only pays for text of few values, and its writer falls
// back by itself when there are many; integers and times are near their neighbours.
func properties(schema *arrow.Schema) *parquet.WriterProperties {
	opts := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1),
		parquet.WithMaxRowGroupLength(2 * source.BatchRows), parquet.WithDictionaryDefault(false),
		// The objects are read whole and once: statistics would cost and serve nobody.
		parquet.WithStats(false), parquet.WithStoreDecimalAsInteger(true),
		parquet.WithDictionaryPageSizeLimit(64 << 10),
	}
	for _, f := range schema.Fields() {
		switch f.Type.ID() {
		case arrow.STRING, arrow.BINARY:
			opts = append(opts, parquet.WithDictionaryFor(f.Name, true))
		case arrow.INT64, arrow.TIMESTAMP, arrow.TIME64, arrow.DATE32:
			opts = append(opts, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		}
	}
	return parquet.NewWriterProperties(opts...)
}

// Batch implements source.Sink.
func (w *Writer) Batch(rec arrow.RecordBatch) error {
	if rec.NumRows() == 0 {
		return nil
	}
	if w.part == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	if err := w.part.WriteBuffered(rec); err != nil {
		return problem.Wrap(err, problem.Unavailable, "write a Parquet object of %s", w.m.Chunk)
	}
	w.inPart += rec.NumRows()
	w.m.Staged += rec.NumRows()
	if w.inPart >= partRows {
		if err := w.closePart(); err != nil {
			return err
		}
	}
	if w.Progress != nil {
		return w.Progress(w.m.Staged + w.m.Rejected)
	}
	return nil
}

func (w *Writer) open() error {
	key := fmt.Sprintf("%spart-%03d.parquet", w.parts, len(w.m.Objects))
	o, err := w.bucket.NewWriter(w.ctx, key, nil)
	if err != nil {
		return objects.Problem(err, key)
	}
	// The Parquet writer would close what can be closed: the object is closed here.
	p, err := pqarrow.NewFileWriter(w.schema, struct{ io.Writer }{o}, w.props, pqarrow.NewArrowWriterProperties())
	if err != nil {
		return problem.Wrap(err, problem.Internal, "begin a Parquet object of %s", w.m.Chunk)
	}
	w.object, w.part, w.inPart = o, p, 0
	w.m.Objects = append(w.m.Objects, key)
	return nil
}

func (w *Writer) closePart() error {
	err := w.part.Close()
	if cerr := w.object.Close(); err == nil {
		err = cerr
	}
	w.part, w.object = nil, nil
	return problem.Wrap(err, problem.Unavailable, "end a Parquet object of %s", w.m.Chunk)
}

// Reject implements source.Sink.
func (w *Writer) Reject(r source.Reject) error {
	w.m.Rejected++
	w.m.Reasons[r.Kind]++
	if w.m.Rejected > maxRejectsKept {
		return nil
	}
	if w.rejects == nil {
		key := RejectsPrefix(w.m.Run) + w.m.Chunk + ".jsonl"
		o, err := w.bucket.NewWriter(w.ctx, key, nil)
		if err != nil {
			return objects.Problem(err, key)
		}
		w.rejects, w.rejected = o, bufio.NewWriter(o)
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = w.rejected.Write(append(line, '\n'))
	}
	return problem.Wrap(err, problem.Unavailable, "write the rejects of %s", w.m.Chunk)
}

// Finish closes everything and writes the manifest.
func (w *Writer) Finish(stats source.Stats) (Manifest, error) {
	defer w.cancel()
	if w.part != nil {
		if err := w.closePart(); err != nil {
			return w.m, err
		}
	}
	if w.rejects != nil {
		if err := w.rejected.Flush(); err != nil {
			return w.m, problem.Wrap(err, problem.Unavailable, "write the rejects of %s", w.m.Chunk)
		}
		if err := w.rejects.Close(); err != nil {
			return w.m, problem.Wrap(err, problem.Unavailable, "write the rejects of %s", w.m.Chunk)
		}
	}
	w.m.Rows, w.m.Bytes, w.m.Nulled = stats.Rows, stats.Bytes, stats.Nulled
	return w.m, w.m.write(w.ctx, w.bucket)
}

// Abort gives up what is not complete; parts that are stay until they are
// overwritten or the run is cleaned up.
func (w *Writer) Abort() {
	w.cancel()
	if w.object != nil {
		_ = w.object.Close() // its context has ended: this discards it
	}
	if w.rejects != nil {
		_ = w.rejects.Close() // as above
	}
}

// Counts gives the rows so far.
func (w *Writer) Counts() (staged, rejected int64) { return w.m.Staged, w.m.Rejected }

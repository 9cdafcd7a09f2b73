package bigquery

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// contents is what the footers of a commit's objects say.
type contents struct {
	rows    int64
	columns []warehouse.Column // of all objects together, with the types a load gives them
}

// footerReaders is how many footers are read side by side.
const footerReaders = 32

// footers reads the columns and the number of rows of every object. BigQuery itself
// would take the columns of the last object in alphabetical order
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_schemas),
// so what only another one has would be lost without a word.
func (d *Driver) footers(ctx context.Context, uris []string) (contents, error) {
	found := make([]contents, len(uris))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(footerReaders)
	for i, uri := range uris {
		g.Go(func() (err error) {
			found[i], err = d.footer(gctx, uri)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return contents{}, err
	}
	var all contents
	e := problem.New(problem.InvalidArgument, "the objects do not fit together")
	for i, one := range found {
		all.rows += one.rows
		for _, c := range one.columns {
			have, ok := warehouse.FindColumn(all.columns, c.Name)
			if !ok {
				all.columns = append(all.columns, c)
			} else if have.Type != c.Type || have.Repeated != c.Repeated {
				e.WithField("columns."+c.Name, "it is %s, but %s in %s", describe(have), describe(c), uris[i])
			}
		}
	}
	if len(e.Fields) > 0 {
		return contents{}, e
	}
	return all, nil
}

func (d *Driver) footer(ctx context.Context, uri string) (contents, error) {
	bucket, key, err := d.bucket(ctx, uri)
	if err != nil {
		return contents{}, err
	}
	attrs, err := bucket.Attributes(ctx, key)
	if err != nil {
		return contents{}, objects.Problem(err, uri)
	}
	r, err := file.NewParquetReader(io.NewSectionReader(&tail{ctx: ctx, bucket: bucket, key: key, size: attrs.Size}, 0, attrs.Size))
	if err != nil {
		if ctx.Err() != nil {
			return contents{}, ctx.Err()
		}
		return contents{}, problem.Wrap(err, problem.InvalidArgument, "object %s is not Parquet", uri)
	}
	defer r.Close()
	// Without the writer's own notes: a load knows only Parquet's types.
	schema, err := pqarrow.FromParquet(r.MetaData().Schema, nil, nil)
	if err != nil {
		return contents{}, problem.Wrap(err, problem.InvalidArgument, "the columns of object %s cannot be read", uri)
	}
	out := contents{rows: r.NumRows(), columns: make([]warehouse.Column, schema.NumFields())}
	for i, f := range schema.Fields() {
		c := warehouse.Column{Name: f.Name}
		t := f.Type
		if list, ok := t.(*arrow.ListType); ok {
			c.Repeated, t = true, list.Elem()
		}
		if c.Type = loaded(t); c.Type == "" {
			return contents{}, problem.New(problem.InvalidArgument, "column %q of object %s has the type %s, which a load cannot take", f.Name, uri, f.Type)
		}
		out.columns[i] = c
	}
	return out, nil
}

// loaded gives the type that a load gives a Parquet column
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#type_conversions);
// "" for none. Of the decimal types the first that keeps all digits.
func loaded(t arrow.DataType) warehouse.Type {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return warehouse.Bool
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return warehouse.Int64
	case *arrow.Float32Type, *arrow.Float64Type:
		return warehouse.Float64
	case *arrow.StringType:
		return warehouse.String
	case *arrow.BinaryType, *arrow.FixedSizeBinaryType:
		return warehouse.Bytes
	case *arrow.Date32Type:
		return warehouse.Date
	case *arrow.Time32Type, *arrow.Time64Type:
		return warehouse.Time
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return warehouse.DateTime
		}
		return warehouse.Timestamp
	case arrow.DecimalType:
		switch whole, scale := t.GetPrecision()-t.GetScale(), t.GetScale(); {
		case whole <= 29 && scale <= 9:
			return warehouse.Numeric
		case whole <= 38 && scale <= 38:
			return warehouse.BigNumeric
		}
	}
	return ""
}

// footerGuess is the size of the first read; almost every footer fits.
const footerGuess = 64 << 10

// tail reads an object from its end, with one request where the footer fits.
type tail struct {
	ctx    context.Context // of the one call that makes and drops it
	bucket *blob.Bucket
	key    string
	size   int64
	last   []byte // the object's last bytes
}

func (t *tail) ReadAt(p []byte, off int64) (int, error) {
	if t.last == nil {
		n := min(t.size, footerGuess)
		last, err := t.read(t.size-n, n)
		if err != nil {
			return 0, err
		}
		t.last = last
	}
	from, end := t.size-int64(len(t.last)), min(off+int64(len(p)), t.size)
	var n int
	if off >= from {
		n = copy(p, t.last[off-from:])
	} else {
		data, err := t.read(off, end-off)
		if err != nil {
			return 0, err
		}
		n = copy(p, data)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (t *tail) read(off, n int64) ([]byte, error) {
	r, err := t.bucket.NewRangeReader(t.ctx, t.key, off, n, nil)
	if err != nil {
		return nil, objects.Problem(err, t.key)
	}
	defer r.Close()
	data := make([]byte, n)
	_, err = io.ReadFull(r, data)
	return data, err
}

// describe names a column's type for an error.
func describe(c warehouse.Column) string {
	if c.Repeated {
		return "ARRAY<" + string(c.Type) + ">"
	}
	return string(c.Type)
}

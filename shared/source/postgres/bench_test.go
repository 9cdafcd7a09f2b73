package postgres

import (
	"bytes"
	"context"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
)

type inMemory struct{ *blob.Bucket }

func (m inMemory) Blob() *blob.Bucket                                 { return m.Bucket }
func (m inMemory) URI(key string) string                              { return key }
func (m inMemory) Generation(context.Context, string) (string, error) { return "1", nil }

// BenchmarkCopyToParquet measures one core: a COPY stream in memory becomes
// Parquet in memory.
func BenchmarkCopyToParquet(b *testing.B) {
	pg := pgtest.Start(b)
	const rows = 200_000
	pg.Exec(b, `CREATE TABLE sales AS SELECT i AS id, 'CUST-' || lpad((i * 7919 % 50000)::text, 8, '0') AS customer, 'SKU-' || lpad((i * 104729 % 20000)::text, 7, '0') AS product,
		(i % 24)::smallint AS qty, ((i * 31 % 100000) / 100.0)::numeric(12,2) AS price, (i % 97) / 97.0::float8 AS discount, i % 13 = 0 AS returned,
		('2021-01-01'::date + (i % 1500)::int) AS day, '2021-01-01'::timestamptz + i * interval '20 seconds' AS at,
		(ARRAY['web','phone','shop','partner'])[1 + i % 4] AS channel, CASE WHEN i % 5 = 0 THEN NULL ELSE 'note ' || md5(i::text) END AS note, (i * 2654435761)::bigint AS checksum
		FROM generate_series(1, 200000::bigint) i; ANALYZE sales`)
	s := open(b, pg)
	ctx := context.Background()
	o := source.Object{Schema: "public", Table: "sales"}
	d := describe(b, s, "public", "sales")
	var stream [][]byte // as the server sends it: a message a row
	conn := pg.Connect(b)
	if _, err := conn.PgConn().CopyTo(ctx, writer(func(p []byte) { stream = append(stream, bytes.Clone(p)) }), "COPY sales TO STDOUT (FORMAT BINARY)"); err != nil {
		b.Fatal(err)
	}
	x, err := s.begin(ctx, "", lookTimeout)
	if err != nil {
		b.Fatal(err)
	}
	defer x.close()
	r, err := x.relation(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w := stage.NewWriter(ctx, objects.NewBucket("staging", inMemory{memblob.OpenBucket(nil)}), etl.Chunk{Run: "r", ID: "c"}, source.Schema(d.Columns, false))
		rd := &reader{batch: convert.NewBatch(w, d.Columns, nil), sink: w}
		for i, c := range d.Columns {
			cc, _ := r.column(c.Source)
			rd.columns, rd.names, rd.maps = append(rd.columns, i), append(rd.names, c.Name), append(rd.maps, cc.to(c))
		}
		p := &parser{columns: len(d.Columns), row: rd.row}
		for _, m := range stream {
			if _, err := p.Write(m); err != nil {
				b.Fatal(err)
			}
		}
		if err := rd.batch.Flush(); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Finish(source.Stats{Rows: rows}); err != nil {
			b.Fatal(err)
		}
		rd.batch.Release()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

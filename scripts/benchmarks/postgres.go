package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
)

// salesTable has twelve columns of mixed types, about 138 bytes a row.
const salesTable = `CREATE TABLE sales AS SELECT i AS id, 'CUST-' || lpad((i * 7919 %% 50000)::text, 8, '0') AS customer, 'SKU-' || lpad((i * 104729 %% 20000)::text, 7, '0') AS product,
	(i %% 24)::smallint AS qty, ((i * 31 %% 100000) / 100.0)::numeric(12,2) AS price, (i %% 97) / 97.0::float8 AS discount, i %% 13 = 0 AS returned,
	('2021-01-01'::date + (i %% 1500)::int) AS day, '2021-01-01'::timestamptz + i * interval '20 seconds' AS at,
	(ARRAY['web','phone','shop','partner'])[1 + i %% 4] AS channel, CASE WHEN i %% 5 = 0 THEN NULL ELSE 'note ' || md5(i::text) END AS note, (i * 2654435761)::bigint AS checksum
	FROM generate_series(1, %d::bigint) i`

func benchPostgres(ctx context.Context, o options) ([]measure, []bar, error) {
	rows, dir := o.rows, o.dir
	pg, err := pgtest.Run("shared_buffers=256MB", "max_wal_size=4GB", "synchronous_commit=off")
	if err != nil {
		return nil, nil, err
	}
	defer pg.Stop()
	conn, err := pg.Session(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close(ctx)
	small := max(rows/5, 1)
	for _, sql := range []string{fmt.Sprintf(salesTable, rows), "CREATE TABLE sales_small AS SELECT * FROM sales LIMIT " + fmt.Sprint(small), "VACUUM ANALYZE sales", "VACUUM ANALYZE sales_small"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, nil, err
		}
	}
	var all []measure
	var ratios, extracts, peaks, smallPeaks []float64
	for round := range o.rounds {
		base, err := copyBinary(ctx, pg)
		if err != nil {
			return nil, nil, err
		}
		load, err := spawn(ctx, wire.Spec{Kind: "load-postgres", Dir: filepath.Join(dir, fmt.Sprintf("pg-%d", round)), Params: pg.Params(), Secrets: pg.Secrets(), Table: "sales"})
		if err != nil {
			return nil, nil, err
		}
		extract, err := spawn(ctx, wire.Spec{Kind: "extract", Dir: filepath.Join(dir, fmt.Sprintf("ex-%d", round)), Params: pg.Params(), Secrets: pg.Secrets(), Table: "sales"})
		if err != nil {
			return nil, nil, err
		}
		little, err := spawn(ctx, wire.Spec{Kind: "extract", Dir: filepath.Join(dir, fmt.Sprintf("exs-%d", round)), Params: pg.Params(), Secrets: pg.Secrets(), Table: "sales_small"})
		if err != nil {
			return nil, nil, err
		}
		if load.Rows != rows || extract.Rows != rows {
			return nil, nil, fmt.Errorf("rows are lost: %d in the table, %d loaded, %d extracted", rows, load.Rows, extract.Rows)
		}
		all = append(all, base, load, extract, little)
		ratios = append(ratios, load.Rate()/base.Rate())
		extracts = append(extracts, extract.Rate()/base.Rate())
		peaks, smallPeaks = append(peaks, extract.PeakMB), append(smallPeaks, little.PeakMB)
	}
	return all, []bar{
		{What: fmt.Sprintf("PostgreSQL, %d rows × 12 columns → warehouse, rows/s against one psql COPY BINARY > /dev/null", rows), Values: ratios, Least: limit(0.45)},
		{What: "the same as far as Parquet", Values: extracts},
		{What: "peak memory of extract", Values: peaks, Unit: "MB", Most: limit(300)},
		{What: fmt.Sprintf("the same with %d rows", small), Values: smallPeaks, Unit: "MB", Note: "flat: memory does not follow the table"},
	}, nil
}

// copyBinary reads the table in one COPY BINARY stream and throws it away, with
// psql where the machine has it.
func copyBinary(ctx context.Context, pg *pgtest.Server) (measure, error) {
	const copySQL = "COPY sales TO STDOUT (FORMAT BINARY)"
	conn, err := pg.Session(ctx)
	if err != nil {
		return measure{}, err
	}
	defer conn.Close(ctx)
	m := measure{Name: "psql COPY BINARY > /dev/null"}
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM sales").Scan(&m.Rows); err != nil {
		return m, err
	}
	start := time.Now()
	if psql, err := exec.LookPath("psql"); err == nil {
		cmd := exec.CommandContext(ctx, psql, "-X", "-h", "127.0.0.1", "-p", strconv.Itoa(pg.Port), "-U", fmt.Sprint(pg.Params()["username"]), "-d", fmt.Sprint(pg.Params()["database"]), "-c", copySQL)
		cmd.Env = append(os.Environ(), "PGPASSWORD="+pg.Secrets()["password"])
		cmd.Stderr = os.Stderr // its output goes to the null device
		if err := cmd.Run(); err != nil {
			return m, err
		}
	} else if _, err := conn.PgConn().CopyTo(ctx, io.Discard, copySQL); err != nil {
		return m, err
	}
	m.Seconds = time.Since(start).Seconds()
	m.Print()
	return m, nil
}

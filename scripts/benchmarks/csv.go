package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
)

func benchCSV(ctx context.Context, o options) ([]measure, []bar, error) {
	dir, mb := o.dir, o.csvMB
	file := filepath.Join(dir, "sales.csv")
	rows, err := writeCSV(file, mb<<20)
	if err != nil {
		return nil, nil, err
	}
	var all []measure
	var ratios []float64
	for round := range o.rounds {
		base, err := spawn(ctx, wire.Spec{Kind: "duckdb-csv", Dir: filepath.Join(dir, fmt.Sprintf("duck-%d", round)), File: file})
		if err != nil {
			return nil, nil, err
		}
		load, err := spawn(ctx, wire.Spec{Kind: "load-csv", Dir: filepath.Join(dir, fmt.Sprintf("csv-%d", round)), File: file})
		if err != nil {
			return nil, nil, err
		}
		if base.Rows != rows || load.Rows != rows {
			return nil, nil, fmt.Errorf("rows are lost: %d written, DuckDB read %d, loaded %d", rows, base.Rows, load.Rows)
		}
		all = append(all, base, load)
		ratios = append(ratios, load.Rate()/base.Rate())
		for _, d := range []string{"duck", "csv"} {
			if err := os.RemoveAll(filepath.Join(dir, fmt.Sprintf("%s-%d", d, round))); err != nil {
				return nil, nil, err
			}
		}
	}
	return all, []bar{{What: fmt.Sprintf("CSV, %d MB → warehouse, rows/s against DuckDB's CREATE TABLE AS read_csv", mb), Values: ratios, Least: limit(0.4)}}, nil
}

// writeCSV writes transactions until the file has the size; it gives the rows.
func writeCSV(name string, size int64) (rows int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	written := int64(0)
	line := []byte("order_id,customer,product,quantity,price,discount,returned,day,sold_at,channel,note\n")
	channels := []string{"web", "phone", "shop", "partner"}
	for ; written < size; rows++ {
		if _, err := w.Write(line); err != nil {
			return 0, err
		}
		written += int64(len(line))
		i := rows
		line = strconv.AppendInt(line[:0], 100_000_000+i, 10)
		line = fmt.Appendf(line, ",CUST-%08d,SKU-%07d,%d,%d.%02d,%.4f,%t,2024-%02d-%02d,2024-%02d-%02dT%02d:%02d:%02dZ,%s,",
			i*7919%50000, i*104729%20000, i%24, i%1000, i%100, float64(i%97)/97, i%13 == 0, 1+i%12, 1+i%28, 1+i%12, 1+i%28, i%24, i%60, i%59, channels[i%4])
		if i%5 != 0 {
			line = fmt.Appendf(line, "\"note %d, said \"\"%x\"\"\"", i, i*2654435761)
		}
		line = append(line, '\n')
	}
	return rows - 1, w.Flush() // the first line is the header, the last one made is not written
}

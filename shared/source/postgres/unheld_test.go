package postgres

import (
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
)

// Without a snapshot that somebody holds, rows change between two chunks. What stays is
// in once, whatever is written to it; the rest is in or not.
func testUnheld(t *testing.T, pg *pgtest.Server, s *Source) {
	ctx := t.Context()
	pg.Exec(t, `CREATE TABLE churning (id int PRIMARY KEY, v int, pad text) WITH (autovacuum_enabled = false);
		INSERT INTO churning SELECT i, 0, repeat('x', 200) FROM generate_series(1, 10000) i; ANALYZE churning`)
	o := source.Object{Schema: "public", Table: "churning"}
	cols := describe(t, s, "public", "churning").Columns
	p, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: cols, ChunkRows: 1000, Unheld: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Snapshot != "" || p.Hold != nil || len(p.Chunks) != 11 || len(p.Warnings) > 0 {
		t.Fatalf("planned as %d chunks, snapshot %q, hold %v, warnings %v", len(p.Chunks), p.Snapshot, p.Hold, p.Warnings)
	}
	out := &sourcetest.Collector{}
	for i, c := range p.Chunks {
		if _, err := s.Read(ctx, source.ReadRequest{Object: o, Columns: cols, Spec: c.Spec}, out); err != nil {
			t.Fatal(err)
		}
		// Every row moves to another page, every hundredth goes, and new ones come at both ends.
		pg.Exec(t, `UPDATE churning SET v = $1`, i+1)
		pg.Exec(t, `DELETE FROM churning WHERE id % 100 = $1`, i+1)
		pg.Exec(t, `INSERT INTO churning VALUES ($1, 0, ''), ($2, 0, '')`, -i-1, 20000+i)
	}
	seen := map[string]int{}
	moments := map[string]bool{}
	for _, r := range out.Rows {
		seen[r[0]]++
		moments[r[1]] = true
	}
	kept := pg.Connect(t)
	rows, err := kept.Query(ctx, `SELECT id::text FROM churning WHERE id BETWEEN 1 AND 10000`)
	if err != nil {
		t.Fatal(err)
	}
	stayed := 0
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		if stayed++; seen[id] != 1 {
			t.Errorf("row %s stayed and is in %d times", id, seen[id])
		}
	}
	if rows.Err() != nil || stayed != 8900 {
		t.Errorf("%d rows stayed: %v", stayed, rows.Err())
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("row %s is in %d times", id, n)
		}
	}
	if len(moments) != 11 {
		t.Errorf("the rows are of %d moments: nothing happened between the chunks", len(moments))
	}

	// A table that no key cuts is one statement, which is consistent, and says so when it is large.
	pg.Exec(t, `CREATE TABLE keyless AS SELECT i AS v FROM generate_series(1, 5000) i; ANALYZE keyless`)
	o.Table = "keyless"
	cols = describe(t, s, "public", "keyless").Columns
	for rows, warned := range map[int64]int{100: 1, 100_000: 0} {
		p, err = s.Plan(ctx, source.PlanRequest{Object: o, Columns: cols, ChunkRows: rows, Unheld: true})
		if err != nil || len(p.Chunks) != 1 || len(p.Warnings) != warned || warned > 0 && !strings.Contains(p.Warnings[0], "one piece") {
			t.Errorf("a table without a key is %d chunks, warnings %v, %v", len(p.Chunks), p.Warnings, err)
		}
	}
}

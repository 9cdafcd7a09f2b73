package duckdb

// Exec runs any statement; for tests.
func Exec(d *Driver, sql string) error {
	_, err := d.db.Exec(sql)
	return err
}

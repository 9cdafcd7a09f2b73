// Package file reads CSV and Parquet files of a bucket.
//
// It promises that a CSV file is understood by looking at it (encoding,
// delimiter, header, number and date formats), that columns are bound by each
// file's own header, that a record is never split at a quoted newline, and that
// a row which cannot be read is reported with its reason and line. Memory is
// bounded by the batch, never by the file.
//
// It refuses what is not a table: empty files, binary files, spreadsheets,
// JSON. Each refusal says what the file seems to be and what to do.
package file

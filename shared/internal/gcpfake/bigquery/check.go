package bigquery

import (
	"net/http"
	"regexp"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// longest of the names of datasets, tables and jobs.
const longest = 1024

var (
	// https://cloud.google.com/bigquery/docs/datasets#dataset-naming
	reDataset = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	// https://cloud.google.com/bigquery/docs/tables#table_naming, the ASCII part
	reTable = regexp.MustCompile(`^[A-Za-z0-9_\- ]+$`)
	// https://cloud.google.com/bigquery/docs/schemas#column_names, the ASCII part
	reColumn = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)
	// https://cloud.google.com/bigquery/docs/running-jobs#generate-jobid
	reJob = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	// https://cloud.google.com/bigquery/docs/labels-intro#requirements, the ASCII part
	reLabelKey   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	reLabelValue = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
)

var fieldTypes = map[string]string{ // REST name: GoogleSQL name
	"STRING": "STRING", "BYTES": "BYTES", "INTEGER": "INT64", "INT64": "INT64", "FLOAT": "FLOAT64", "FLOAT64": "FLOAT64",
	"BOOLEAN": "BOOL", "BOOL": "BOOL", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE", "TIME": "TIME", "DATETIME": "DATETIME",
	"NUMERIC": "NUMERIC", "BIGNUMERIC": "BIGNUMERIC", "JSON": "JSON", "GEOGRAPHY": "GEOGRAPHY",
}

// reservedPrefixes of column names (https://cloud.google.com/bigquery/docs/schemas#column_names).
var reservedPrefixes = []string{"_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier"}

// named says whether a name has the form and is no longer than allowed.
func named(form *regexp.Regexp, name string) bool {
	return len(name) <= longest && form.MatchString(name)
}

func checkLabels(labels map[string]string) *Error {
	if len(labels) > 64 {
		return fail(http.StatusBadRequest, "invalid", "Label count %d exceeds limit of 64", len(labels))
	}
	for k, v := range labels {
		if !reLabelKey.MatchString(k) || !reLabelValue.MatchString(v) {
			return fail(http.StatusBadRequest, "invalid", "Invalid label %q: %q. Keys and values contain only lowercase letters, numeric characters, underscores, and dashes", k, v)
		}
	}
	return nil
}

func checkSchema(s *bq.TableSchema) *Error {
	if s == nil || len(s.Fields) == 0 {
		return fail(http.StatusBadRequest, "invalid", "Schema is required")
	}
	seen := map[string]bool{}
	for _, f := range s.Fields {
		lower := strings.ToLower(f.Name)
		if !reColumn.MatchString(f.Name) {
			return fail(http.StatusBadRequest, "invalid", "Invalid field name %q", f.Name)
		}
		for _, p := range reservedPrefixes {
			if strings.HasPrefix(lower, p) {
				return fail(http.StatusBadRequest, "invalid", "Invalid field name %q. Field names are not allowed to start with %s", f.Name, p)
			}
		}
		if seen[lower] {
			return fail(http.StatusBadRequest, "invalid", "Field %s already exists in schema", f.Name)
		}
		seen[lower] = true
		if fieldTypes[f.Type] == "" {
			return fail(http.StatusBadRequest, "invalid", "Invalid value for type: %s is not a valid value", f.Type)
		}
		switch f.Mode {
		case "":
			f.Mode = "NULLABLE"
		case "NULLABLE", "REQUIRED", "REPEATED":
		default:
			return fail(http.StatusBadRequest, "invalid", "Invalid value for mode: %s is not a valid value", f.Mode)
		}
	}
	return nil
}

// checkLayout holds for partitions by day and clusters.
func checkLayout(t *bq.Table) *Error {
	field := func(name string) *bq.TableFieldSchema {
		for _, f := range t.Schema.Fields {
			if strings.EqualFold(f.Name, name) {
				return f
			}
		}
		return nil
	}
	if p := t.TimePartitioning; p != nil {
		f := field(p.Field)
		switch {
		case p.Type != "DAY":
			return fail(http.StatusNotImplemented, "notImplemented", "the fake partitions by DAY only")
		case f == nil:
			return fail(http.StatusBadRequest, "invalid", "The field specified for partitioning cannot be found in the schema")
		case f.Mode == "REPEATED" || f.Type != "DATE" && f.Type != "TIMESTAMP" && f.Type != "DATETIME":
			return fail(http.StatusBadRequest, "invalid", "The field specified for partitioning can only be of type TIMESTAMP, DATE or DATETIME. The type found is: %s", f.Type)
		}
	}
	if c := t.Clustering; c != nil {
		if len(c.Fields) < 1 || len(c.Fields) > 4 {
			return fail(http.StatusBadRequest, "invalid", "Number of clustering fields must be between 1 and 4")
		}
		for _, name := range c.Fields {
			// https://cloud.google.com/bigquery/docs/clustered-tables#cluster_column_types
			if f := field(name); f == nil || f.Mode == "REPEATED" || f.Type == "FLOAT" || f.Type == "JSON" || f.Type == "TIME" || f.Type == "BYTES" {
				return fail(http.StatusBadRequest, "invalid", "Clustering is not possible on %s", name)
			}
		}
	}
	return nil
}

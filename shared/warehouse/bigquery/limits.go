package bigquery

import "time"

// Limits of BigQuery, https://cloud.google.com/bigquery/quotas. What the driver
// itself refuses is checked by it; the rest is here for whoever plans loads.
const (
	// MaxURIs is the number of objects that one load job takes. Checked.
	MaxURIs = 10_000
	// MaxLoadJobsPerTable is per table and day, failed jobs included. Every commit
	// loads into a staging table of its own, so it binds nobody.
	MaxLoadJobsPerTable = 1_500
	// MaxLoadJobs is per project and day; a commit with objects uses one.
	MaxLoadJobs = 100_000
	// MaxMutations is how many UPDATE, DELETE and MERGE statements run on one table
	// at once; more than MaxMutations+20 fail. Of the modes, Append is the one that
	// does not mutate.
	MaxMutations = 2
	// MaxPartitionsPerJob is the number of partitions one job may write.
	MaxPartitionsPerJob = 4_000
	// MaxClusterColumns of a table. Checked.
	MaxClusterColumns = 4
	// MaxColumns of a table. Checked.
	MaxColumns = 10_000
)

// DefaultMaxBytes is the most that a statement without a limit of its own may scan:
// 1 TiB, the unit in which BigQuery charges for scanning
// (https://cloud.google.com/bigquery/pricing#on_demand_pricing).
const DefaultMaxBytes = 1 << 40

// stagingLife is how long the table of a commit or an export outlives a crash. A
// commit that is repeated later loads its objects again.
const stagingLife = 24 * time.Hour

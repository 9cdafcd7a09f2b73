package bigquery

import "time"

// Limits of BigQuery that the driver checks, https://cloud.google.com/bigquery/quotas.
const (
	// MaxURIs is the number of objects that one load job takes.
	MaxURIs = 10_000
	// MaxClusterColumns of a table.
	MaxClusterColumns = 4
	// MaxColumns of a table.
	MaxColumns = 10_000
)

// USDPerTiB is the list price of reading 2^40 bytes on demand, of the US; that of other
// regions is near it. The first TiB of a month is free
// (https://cloud.google.com/bigquery/pricing#on_demand_pricing, looked up in 2025).
const USDPerTiB = 6.25

// stagingLife is how long the table of a commit or an export outlives a crash. A
// commit that is repeated later loads its objects again.
const stagingLife = 24 * time.Hour

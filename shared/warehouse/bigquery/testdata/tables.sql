CREATE TABLE `raw_data`.`sales` (
  `ID` INT64 NOT NULL,
  `name` STRING,
  `weight` FLOAT64,
  `price` NUMERIC,
  `sold` DATE,
  `seen` TIMESTAMP,
  `doc` JSON,
  `place` GEOGRAPHY,
  `tags` ARRAY<STRING>,
  `seq` INT64,
  `file` STRING,
  `absent` BOOL
)

CREATE TABLE `b2brecs_staging`.`commit_1` (
  `id` INT64,
  `name` STRING,
  `weight` FLOAT64,
  `price` BIGNUMERIC,
  `sold` STRING,
  `seen` DATETIME,
  `doc` STRING,
  `place` STRING,
  `tags` ARRAY<STRING>,
  `seq` INT64,
  `file` STRING
)

CREATE TABLE `b2brecs_ledger`.`commits` (
  `id` STRING NOT NULL,
  `dataset` STRING NOT NULL,
  `name` STRING NOT NULL,
  `rows_read` INT64 NOT NULL,
  `inserted` INT64 NOT NULL,
  `updated` INT64 NOT NULL,
  `deleted` INT64 NOT NULL,
  `committed` TIMESTAMP NOT NULL
)

CREATE TABLE `b2brecs_staging`.`every` (
  `c_string` STRING,
  `c_int64` INT64,
  `c_float64` FLOAT64,
  `c_numeric` NUMERIC,
  `c_bignumeric` BIGNUMERIC,
  `c_bool` BOOL,
  `c_date` DATE,
  `c_datetime` DATETIME,
  `c_timestamp` TIMESTAMP,
  `c_time` TIME,
  `c_json` JSON,
  `c_bytes` BYTES,
  `c_geography` GEOGRAPHY
)

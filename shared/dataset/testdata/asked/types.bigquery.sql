CREATE TABLE `raw_data`.`other_000` (
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

CREATE TABLE `raw_data`.`other_001` (
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

CREATE TABLE `raw_data`.`other_002` (
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

CREATE TABLE `raw_data`.`other_003` (
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

CREATE TABLE `raw_data`.`other_004` (
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

CREATE TABLE `raw_data`.`other_005` (
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

CREATE TABLE `raw_data`.`other_006` (
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

CREATE TABLE `raw_data`.`other_007` (
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

CREATE TABLE `raw_data`.`other_008` (
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

CREATE TABLE `raw_data`.`other_009` (
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

CREATE TABLE `raw_data`.`sales` (
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

-- gives rows INT64, nulls_0 INT64, distinct_0 INT64, nulls_1 INT64, distinct_1 INT64, min_1 FLOAT64, max_1 FLOAT64, fractions_1 INT64, negative_1 INT64, nulls_2 INT64, distinct_2 INT64, min_2 FLOAT64, max_2 FLOAT64, fractions_2 INT64, negative_2 INT64, nulls_3 INT64, distinct_3 INT64, min_3 FLOAT64, max_3 FLOAT64, fractions_3 INT64, negative_3 INT64, nulls_4 INT64, distinct_4 INT64, min_4 FLOAT64, max_4 FLOAT64, fractions_4 INT64, negative_4 INT64, nulls_5 INT64, distinct_5 INT64, nulls_6 INT64, distinct_6 INT64, nulls_7 INT64, distinct_7 INT64, nulls_8 INT64, distinct_8 INT64, nulls_9 INT64, distinct_9 INT64
SELECT
  COUNT(*) AS `rows`,
  COUNTIF(`c_string` IS NULL) AS `nulls_0`,
  APPROX_COUNT_DISTINCT(`c_string`) AS `distinct_0`,
  COUNTIF(`c_int64` IS NULL) AS `nulls_1`,
  APPROX_COUNT_DISTINCT(`c_int64`) AS `distinct_1`,
  MIN(CAST(`c_int64` AS FLOAT64)) AS `min_1`,
  MAX(CAST(`c_int64` AS FLOAT64)) AS `max_1`,
  COUNTIF(NOT (CAST(`c_int64` AS FLOAT64) = FLOOR(CAST(`c_int64` AS FLOAT64)))) AS `fractions_1`,
  COUNTIF(CAST(`c_int64` AS FLOAT64) < 0) AS `negative_1`,
  COUNTIF(`c_float64` IS NULL) AS `nulls_2`,
  APPROX_COUNT_DISTINCT(`c_float64`) AS `distinct_2`,
  MIN(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `min_2`,
  MAX(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `max_2`,
  COUNTIF(NOT (CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END = FLOOR(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END))) AS `fractions_2`,
  COUNTIF(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END < 0) AS `negative_2`,
  COUNTIF(`c_numeric` IS NULL) AS `nulls_3`,
  APPROX_COUNT_DISTINCT(`c_numeric`) AS `distinct_3`,
  MIN(CAST(`c_numeric` AS FLOAT64)) AS `min_3`,
  MAX(CAST(`c_numeric` AS FLOAT64)) AS `max_3`,
  COUNTIF(NOT (CAST(`c_numeric` AS FLOAT64) = FLOOR(CAST(`c_numeric` AS FLOAT64)))) AS `fractions_3`,
  COUNTIF(CAST(`c_numeric` AS FLOAT64) < 0) AS `negative_3`,
  COUNTIF(`c_bignumeric` IS NULL) AS `nulls_4`,
  APPROX_COUNT_DISTINCT(`c_bignumeric`) AS `distinct_4`,
  MIN(CAST(`c_bignumeric` AS FLOAT64)) AS `min_4`,
  MAX(CAST(`c_bignumeric` AS FLOAT64)) AS `max_4`,
  COUNTIF(NOT (CAST(`c_bignumeric` AS FLOAT64) = FLOOR(CAST(`c_bignumeric` AS FLOAT64)))) AS `fractions_4`,
  COUNTIF(CAST(`c_bignumeric` AS FLOAT64) < 0) AS `negative_4`,
  COUNTIF(`c_bool` IS NULL) AS `nulls_5`,
  APPROX_COUNT_DISTINCT(`c_bool`) AS `distinct_5`,
  COUNTIF(`c_date` IS NULL) AS `nulls_6`,
  APPROX_COUNT_DISTINCT(`c_date`) AS `distinct_6`,
  COUNTIF(`c_datetime` IS NULL) AS `nulls_7`,
  APPROX_COUNT_DISTINCT(`c_datetime`) AS `distinct_7`,
  COUNTIF(`c_timestamp` IS NULL) AS `nulls_8`,
  APPROX_COUNT_DISTINCT(`c_timestamp`) AS `distinct_8`,
  COUNTIF(`c_time` IS NULL) AS `nulls_9`,
  APPROX_COUNT_DISTINCT(`c_time`) AS `distinct_9`
FROM `raw_data`.`sales`

-- gives present_0 INT64, length_0 FLOAT64, spaces_0 INT64, dates_0 INT64, numbers_0 INT64
SELECT
  COUNT(`c_string`) AS `present_0`,
  AVG(LENGTH(`c_string`)) AS `length_0`,
  COUNTIF(`c_string` LIKE '% %') AS `spaces_0`,
  COUNTIF(SAFE_CAST(`c_string` AS TIMESTAMP) IS NOT NULL) AS `dates_0`,
  COUNTIF(SAFE_CAST(`c_string` AS FLOAT64) IS NOT NULL) AS `numbers_0`
FROM (
  SELECT `c_string`
  FROM `raw_data`.`sales`
  LIMIT 50000
) AS `f`

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 STRING, c_float64 FLOAT64, c_numeric FLOAT64, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`c_string`, '') AS `c_string`,
      NULLIF(CAST(`c_int64` AS STRING), '') AS `c_int64`,
      CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` ELSE CAST(0 AS FLOAT64) END AS `c_float64`,
      COALESCE(CAST(`c_numeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(`c_date`)), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(`c_string`, '') IS NOT NULL
      AND NULLIF(CAST(`c_int64` AS STRING), '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(`c_date`)), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 STRING, c_float64 FLOAT64, c_numeric FLOAT64, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`c_string`, '') AS `c_string`,
      NULLIF(CAST(`c_int64` AS STRING), '') AS `c_int64`,
      CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` ELSE CAST(0 AS FLOAT64) END AS `c_float64`,
      COALESCE(CAST(`c_numeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CAST(`c_int64` AS STRING), '') IS NOT NULL
      AND NULLIF(`c_string`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 INT64, c_float64 FLOAT64, c_numeric STRING, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`c_string`, '') AS `c_string`,
      COALESCE(`c_int64`, 0) AS `c_int64`,
      CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` ELSE CAST(0 AS FLOAT64) END AS `c_float64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_timestamp`))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') IS NOT NULL
      AND NULLIF(`c_string`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_timestamp`))), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 INT64, c_float64 FLOAT64, c_numeric FLOAT64, c_bignumeric STRING, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`c_string`, '') AS `c_string`,
      COALESCE(`c_int64`, 0) AS `c_int64`,
      CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` ELSE CAST(0 AS FLOAT64) END AS `c_float64`,
      COALESCE(CAST(`c_numeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_numeric`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`c_bignumeric` AS STRING) END, '') AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(`c_date`)), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`c_bignumeric` AS STRING) END, '') IS NOT NULL
      AND NULLIF(`c_string`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(`c_date`)), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 INT64, c_float64 STRING, c_numeric FLOAT64, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`c_string`, '') AS `c_string`,
      COALESCE(`c_int64`, 0) AS `c_int64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') AS `c_float64`,
      COALESCE(CAST(`c_numeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') IS NOT NULL
      AND NULLIF(`c_string`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives rows INT64, nulls_0 INT64, distinct_0 INT64, nulls_1 INT64, distinct_1 INT64, min_1 FLOAT64, max_1 FLOAT64, mean_1 FLOAT64, dev_1 FLOAT64, quantiles_1 ARRAY<FLOAT64>, nulls_2 INT64, distinct_2 INT64, min_2 FLOAT64, max_2 FLOAT64, mean_2 FLOAT64, dev_2 FLOAT64, quantiles_2 ARRAY<FLOAT64>, nulls_3 INT64, distinct_3 INT64, min_3 FLOAT64, max_3 FLOAT64, mean_3 FLOAT64, dev_3 FLOAT64, quantiles_3 ARRAY<FLOAT64>, nulls_4 INT64, distinct_4 INT64, min_4 FLOAT64, max_4 FLOAT64, mean_4 FLOAT64, dev_4 FLOAT64, quantiles_4 ARRAY<FLOAT64>, nulls_5 INT64, distinct_5 INT64, nulls_6 INT64, distinct_6 INT64, min_6 DATE, max_6 DATE, nulls_7 INT64, distinct_7 INT64, min_7 DATETIME, max_7 DATETIME, nulls_8 INT64, distinct_8 INT64, min_8 TIMESTAMP, max_8 TIMESTAMP, nulls_9 INT64, distinct_9 INT64, no_customer INT64, no_product INT64, value FLOAT64, value_abs FLOAT64, value_negative FLOAT64, no_time INT64, future INT64, first INT64, last INT64
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`t0`.`c_datetime`))), 86400) AS `_b2_day`,
      1 AS `_b2_match_0`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`,
      `_b2_match_0`,
      `_b2_day`
    FROM `scope`
  )
SELECT
  COUNT(*) AS `rows`,
  COUNTIF(`c_string` IS NULL) AS `nulls_0`,
  APPROX_COUNT_DISTINCT(`c_string`) AS `distinct_0`,
  COUNTIF(`c_int64` IS NULL) AS `nulls_1`,
  APPROX_COUNT_DISTINCT(`c_int64`) AS `distinct_1`,
  MIN(CAST(`c_int64` AS FLOAT64)) AS `min_1`,
  MAX(CAST(`c_int64` AS FLOAT64)) AS `max_1`,
  AVG(CAST(`c_int64` AS FLOAT64)) AS `mean_1`,
  STDDEV_SAMP(CAST(`c_int64` AS FLOAT64)) AS `dev_1`,
  APPROX_QUANTILES(CAST(`c_int64` AS FLOAT64), 10) AS `quantiles_1`,
  COUNTIF(`c_float64` IS NULL) AS `nulls_2`,
  APPROX_COUNT_DISTINCT(`c_float64`) AS `distinct_2`,
  MIN(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `min_2`,
  MAX(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `max_2`,
  AVG(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `mean_2`,
  STDDEV_SAMP(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END) AS `dev_2`,
  APPROX_QUANTILES(CASE WHEN `c_float64` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `c_float64` END, 10) AS `quantiles_2`,
  COUNTIF(`c_numeric` IS NULL) AS `nulls_3`,
  APPROX_COUNT_DISTINCT(`c_numeric`) AS `distinct_3`,
  MIN(CAST(`c_numeric` AS FLOAT64)) AS `min_3`,
  MAX(CAST(`c_numeric` AS FLOAT64)) AS `max_3`,
  AVG(CAST(`c_numeric` AS FLOAT64)) AS `mean_3`,
  STDDEV_SAMP(CAST(`c_numeric` AS FLOAT64)) AS `dev_3`,
  APPROX_QUANTILES(CAST(`c_numeric` AS FLOAT64), 10) AS `quantiles_3`,
  COUNTIF(`c_bignumeric` IS NULL) AS `nulls_4`,
  APPROX_COUNT_DISTINCT(`c_bignumeric`) AS `distinct_4`,
  MIN(CAST(`c_bignumeric` AS FLOAT64)) AS `min_4`,
  MAX(CAST(`c_bignumeric` AS FLOAT64)) AS `max_4`,
  AVG(CAST(`c_bignumeric` AS FLOAT64)) AS `mean_4`,
  STDDEV_SAMP(CAST(`c_bignumeric` AS FLOAT64)) AS `dev_4`,
  APPROX_QUANTILES(CAST(`c_bignumeric` AS FLOAT64), 10) AS `quantiles_4`,
  COUNTIF(`c_bool` IS NULL) AS `nulls_5`,
  APPROX_COUNT_DISTINCT(`c_bool`) AS `distinct_5`,
  COUNTIF(`c_date` IS NULL) AS `nulls_6`,
  APPROX_COUNT_DISTINCT(`c_date`) AS `distinct_6`,
  MIN(`c_date`) AS `min_6`,
  MAX(`c_date`) AS `max_6`,
  COUNTIF(`c_datetime` IS NULL) AS `nulls_7`,
  APPROX_COUNT_DISTINCT(`c_datetime`) AS `distinct_7`,
  MIN(`c_datetime`) AS `min_7`,
  MAX(`c_datetime`) AS `max_7`,
  COUNTIF(`c_timestamp` IS NULL) AS `nulls_8`,
  APPROX_COUNT_DISTINCT(`c_timestamp`) AS `distinct_8`,
  MIN(`c_timestamp`) AS `min_8`,
  MAX(`c_timestamp`) AS `max_8`,
  COUNTIF(`c_time` IS NULL) AS `nulls_9`,
  APPROX_COUNT_DISTINCT(`c_time`) AS `distinct_9`,
  COUNTIF(NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') IS NULL) AS `no_customer`,
  COUNTIF(NULLIF(`c_string`, '') IS NULL) AS `no_product`,
  SUM(CAST(`c_bignumeric` AS FLOAT64)) AS `value`,
  SUM(ABS(CAST(`c_bignumeric` AS FLOAT64))) AS `value_abs`,
  SUM(CASE WHEN CAST(`c_bignumeric` AS FLOAT64) <= 0 THEN ABS(CAST(`c_bignumeric` AS FLOAT64)) END) AS `value_negative`,
  COUNTIF(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) IS NULL) AS `no_time`,
  COUNTIF(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400) > @today) AS `future`,
  MIN(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400)) AS `first`,
  MAX(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`c_datetime`))), 86400)) AS `last`
FROM `result`

-- gives kind STRING, label STRING, a FLOAT64, b FLOAT64
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`t0`.`c_datetime`))), 86400) AS `_b2_day`,
      1 AS `_b2_match_0`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`,
      `_b2_match_0`,
      `_b2_day`
    FROM `scope`
  ),
  `roles` AS (
    SELECT
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') AS `_b2_customer`,
      NULLIF(`c_string`, '') AS `_b2_product`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `_b2_value`,
      UNIX_SECONDS(TIMESTAMP(`c_datetime`)) AS `_b2_time`
    FROM `result`
  ),
  `pairs` AS (
    SELECT
      `_b2_customer`,
      `_b2_product`,
      COUNT(*) AS `_b2_n`,
      SUM(`_b2_value`) AS `_b2_value`
    FROM `roles`
    WHERE `_b2_customer` IS NOT NULL
      AND `_b2_product` IS NOT NULL
    GROUP BY `_b2_customer`, `_b2_product`
  ),
  `per_customer` AS (
    SELECT
      `_b2_customer`,
      SUM(`_b2_n`) AS `_b2_n`,
      SUM(`_b2_value`) AS `_b2_value`
    FROM `pairs`
    WHERE `_b2_customer` IS NOT NULL
    GROUP BY `_b2_customer`
  ),
  `per_product` AS (
    SELECT
      `_b2_product`,
      SUM(`_b2_n`) AS `_b2_n`,
      SUM(`_b2_value`) AS `_b2_value`
    FROM `pairs`
    WHERE `_b2_product` IS NOT NULL
    GROUP BY `_b2_product`
  ),
  `per_customer_curve` AS (
    SELECT
      ROW_NUMBER() OVER (ORDER BY `_b2_value` DESC, `_b2_customer`) AS `_b2_rank`,
      SUM(`_b2_value`) OVER (ORDER BY `_b2_value` DESC, `_b2_customer` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `_b2_sum`,
      SUM(`_b2_value`) OVER () AS `_b2_total`,
      COUNT(*) OVER () AS `_b2_of`
    FROM `per_customer`
    WHERE `_b2_value` > 0
  ),
  `per_product_curve` AS (
    SELECT
      ROW_NUMBER() OVER (ORDER BY `_b2_value` DESC, `_b2_product`) AS `_b2_rank`,
      SUM(`_b2_value`) OVER (ORDER BY `_b2_value` DESC, `_b2_product` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `_b2_sum`,
      SUM(`_b2_value`) OVER () AS `_b2_total`,
      COUNT(*) OVER () AS `_b2_of`
    FROM `per_product`
    WHERE `_b2_value` > 0
  )
SELECT
  'entities' AS `kind`,
  'customers' AS `label`,
  CAST(COUNT(*) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM `per_customer`
UNION ALL
SELECT
  'entities' AS `kind`,
  'products' AS `label`,
  CAST(COUNT(*) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM `per_product`
UNION ALL
SELECT
  'entities' AS `kind`,
  'pairs' AS `label`,
  CAST(COUNT(*) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM `pairs`
UNION ALL
SELECT
  'singles' AS `kind`,
  CAST(NULL AS STRING) AS `label`,
  CAST(COUNTIF(`_b2_n` = 1) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM `per_customer`
UNION ALL
SELECT
  'top product' AS `kind`,
  CAST(NULL AS STRING) AS `label`,
  CAST(MAX(`_b2_n`) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM `per_product`
UNION ALL
SELECT
  'twice' AS `kind`,
  CAST(NULL AS STRING) AS `label`,
  CAST(SUM(`_b2_n` - 1) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM (
  SELECT COUNT(*) AS `_b2_n`
  FROM `roles`
  GROUP BY `_b2_customer`, `_b2_product`, `_b2_time`, `_b2_value`
) AS `d`
UNION ALL
SELECT
  'customer curve' AS `kind`,
  CAST(`_b2_of` AS STRING) AS `label`,
  CAST(`_b2_rank` AS FLOAT64) AS `a`,
  CAST(`_b2_sum` / `_b2_total` AS FLOAT64) AS `b`
FROM `per_customer_curve`
WHERE (`_b2_rank` = 1 OR `_b2_rank` = `_b2_of` OR MOD(`_b2_rank`, DIV(`_b2_of` + 97, 98)) = 0)
UNION ALL
SELECT
  'product curve' AS `kind`,
  CAST(`_b2_of` AS STRING) AS `label`,
  CAST(`_b2_rank` AS FLOAT64) AS `a`,
  CAST(`_b2_sum` / `_b2_total` AS FLOAT64) AS `b`
FROM `per_product_curve`
WHERE (`_b2_rank` = 1 OR `_b2_rank` = `_b2_of` OR MOD(`_b2_rank`, DIV(`_b2_of` + 97, 98)) = 0)
UNION ALL
SELECT
  'month' AS `kind`,
  CAST(`_b2_month` AS STRING) AS `label`,
  CAST(COUNT(*) AS FLOAT64) AS `a`,
  CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
FROM (
  SELECT (EXTRACT(YEAR FROM DATE(TIMESTAMP_SECONDS(`_b2_time`))) * 100) + EXTRACT(MONTH FROM DATE(TIMESTAMP_SECONDS(`_b2_time`))) AS `_b2_month`
  FROM `roles`
  WHERE `_b2_time` IS NOT NULL
) AS `m`
GROUP BY `_b2_month`
UNION ALL
(
  SELECT
    'column ' || CAST(0 AS STRING) AS `kind`,
    CAST(`c_string` AS STRING) AS `label`,
    CAST(COUNT(*) AS FLOAT64) AS `a`,
    CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
  FROM `result`
  WHERE `c_string` IS NOT NULL
  GROUP BY `c_string`
  ORDER BY COUNT(*) DESC, `c_string`
  LIMIT 10
)
UNION ALL
(
  SELECT
    'column ' || CAST(1 AS STRING) AS `kind`,
    CAST(`c_bool` AS STRING) AS `label`,
    CAST(COUNT(*) AS FLOAT64) AS `a`,
    CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
  FROM `result`
  WHERE `c_bool` IS NOT NULL
  GROUP BY `c_bool`
  ORDER BY COUNT(*) DESC, `c_bool`
  LIMIT 10
)

-- @today INT64 = 20513
-- gives c_string STRING, c_int64 INT64, c_float64 STRING, c_numeric STRING, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      COALESCE(NULLIF(`c_string`, ''), '__MISSING__') AS `c_string`,
      COALESCE(CASE WHEN `c_int64` < -62135596800 OR `c_int64` > 253402300799999999 THEN CAST(NULL AS INT64) WHEN `c_int64` BETWEEN 19000101 AND 21001231 THEN UNIX_SECONDS(TIMESTAMP(SAFE_CAST((((CAST(DIV(`c_int64`, 10000) AS STRING) || '-') || CAST(MOD(DIV(`c_int64`, 100), 100) AS STRING)) || '-') || CAST(MOD(`c_int64`, 100) AS STRING) AS DATE))) WHEN `c_int64` >= 100000000000000 THEN DIV(`c_int64`, 1000000) WHEN `c_int64` >= 100000000000 THEN DIV(`c_int64`, 1000) ELSE `c_int64` END, 0) AS `c_int64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') AS `c_float64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(CASE WHEN `c_int64` < -62135596800 OR `c_int64` > 253402300799999999 THEN CAST(NULL AS INT64) WHEN `c_int64` BETWEEN 19000101 AND 21001231 THEN UNIX_SECONDS(TIMESTAMP(SAFE_CAST((((CAST(DIV(`c_int64`, 10000) AS STRING) || '-') || CAST(MOD(DIV(`c_int64`, 100), 100) AS STRING)) || '-') || CAST(MOD(`c_int64`, 100) AS STRING) AS DATE))) WHEN `c_int64` >= 100000000000000 THEN DIV(`c_int64`, 1000000) WHEN `c_int64` >= 100000000000 THEN DIV(`c_int64`, 1000) ELSE `c_int64` END)))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') IS NOT NULL
      AND NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(CASE WHEN `c_int64` < -62135596800 OR `c_int64` > 253402300799999999 THEN CAST(NULL AS INT64) WHEN `c_int64` BETWEEN 19000101 AND 21001231 THEN UNIX_SECONDS(TIMESTAMP(SAFE_CAST((((CAST(DIV(`c_int64`, 10000) AS STRING) || '-') || CAST(MOD(DIV(`c_int64`, 100), 100) AS STRING)) || '-') || CAST(MOD(`c_int64`, 100) AS STRING) AS DATE))) WHEN `c_int64` >= 100000000000000 THEN DIV(`c_int64`, 1000000) WHEN `c_int64` >= 100000000000 THEN DIV(`c_int64`, 1000) ELSE `c_int64` END)))), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives c_string INT64, c_int64 INT64, c_float64 STRING, c_numeric STRING, c_bignumeric FLOAT64, c_bool INT64, c_date INT64, c_datetime INT64, c_timestamp INT64, c_time STRING, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_string` AS `c_string`,
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_float64` AS `c_float64`,
      `t0`.`c_numeric` AS `c_numeric`,
      `t0`.`c_bignumeric` AS `c_bignumeric`,
      `t0`.`c_bool` AS `c_bool`,
      `t0`.`c_date` AS `c_date`,
      `t0`.`c_datetime` AS `c_datetime`,
      `t0`.`c_timestamp` AS `c_timestamp`,
      `t0`.`c_time` AS `c_time`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `c_string`,
      `c_int64`,
      `c_float64`,
      `c_numeric`,
      `c_bignumeric`,
      `c_bool`,
      `c_date`,
      `c_datetime`,
      `c_timestamp`,
      `c_time`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      COALESCE(UNIX_SECONDS(SAFE_CAST(`c_string` AS TIMESTAMP)), 0) AS `c_string`,
      COALESCE(`c_int64`, 0) AS `c_int64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') AS `c_float64`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') AS `c_numeric`,
      COALESCE(CAST(`c_bignumeric` AS FLOAT64), CAST(0 AS FLOAT64)) AS `c_bignumeric`,
      COALESCE(CAST(`c_bool` AS INT64), 0) AS `c_bool`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_date`)), 0) AS `c_date`,
      COALESCE(UNIX_SECONDS(TIMESTAMP(`c_datetime`)), 0) AS `c_datetime`,
      COALESCE(UNIX_SECONDS(`c_timestamp`), 0) AS `c_timestamp`,
      COALESCE(CAST(`c_time` AS STRING), '__MISSING__') AS `c_time`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(UNIX_SECONDS(SAFE_CAST(`c_string` AS TIMESTAMP)))))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS FLOAT64) = CAST(`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`c_numeric` AS INT64) AS STRING) ELSE CAST(`c_numeric` AS STRING) END, '') IS NOT NULL
      AND NULLIF(CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(UNIX_SECONDS(SAFE_CAST(`c_string` AS TIMESTAMP)))))), 86400) IS NOT NULL
  ),
  `anchor_day` AS (
    SELECT CASE WHEN (COUNTIF(`_b2_day` > @today) * 20) >= COUNT(*) THEN MAX(`_b2_day`) ELSE COALESCE(MAX(CASE WHEN `_b2_day` <= @today THEN `_b2_day` END), MAX(`_b2_day`)) END AS `_b2_hi`
    FROM `kept`
  ),
  `bounds` AS (
    SELECT
      MIN(`_b2_day`) AS `_b2_lo`,
      MAX(`_b2_hi`) AS `_b2_hi`
    FROM `kept`
    CROSS JOIN `anchor_day`
  )
SELECT
  `c_string`,
  `c_int64`,
  `c_float64`,
  `c_numeric`,
  `c_bignumeric`,
  `c_bool`,
  `c_date`,
  `c_datetime`,
  `c_timestamp`,
  `c_time`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_string` ORDER BY `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_000`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t1` ON `t0`.`c_string` = `t1`.`c_string`
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = `t2`.`c_string`
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = `t3`.`c_string`
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = `t4`.`c_string`
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = `t5`.`c_string`
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = `t6`.`c_string`
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = `t7`.`c_string`
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = `t8`.`c_string`
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = `t9`.`c_string`
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = `t10`.`c_string`
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_int64` AS STRING)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_int64` ORDER BY `c_string` IS NULL, `c_string`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_001`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t2` ON `t0`.`c_int64` = `t2`.`c_int64`
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON `t0`.`c_float64` = `t3`.`c_int64`
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON `t0`.`c_numeric` = `t4`.`c_int64`
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON `t0`.`c_bignumeric` = `t5`.`c_int64`
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CAST(`t6`.`c_int64` AS STRING)
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CAST(`t7`.`c_int64` AS STRING)
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CAST(`t8`.`c_int64` AS STRING)
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CAST(`t9`.`c_int64` AS STRING)
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CAST(`t10`.`c_int64` AS STRING)
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CASE WHEN CAST(SAFE_CAST(`t1`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t1`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t1`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t1`.`c_float64` AS STRING) END
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON `t0`.`c_int64` = `t2`.`c_float64`
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY CASE WHEN CAST(SAFE_CAST(`c_float64` AS INT64) AS FLOAT64) = CAST(`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`c_float64` AS INT64) AS STRING) ELSE CAST(`c_float64` AS STRING) END ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_002`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t3` ON `t0`.`c_float64` = `t3`.`c_float64`
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON `t0`.`c_numeric` = `t4`.`c_float64`
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON `t0`.`c_bignumeric` = `t5`.`c_float64`
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t6`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t6`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t6`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t6`.`c_float64` AS STRING) END
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t7`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t7`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t7`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t7`.`c_float64` AS STRING) END
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t8`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t8`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t8`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t8`.`c_float64` AS STRING) END
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t9`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t9`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t9`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t9`.`c_float64` AS STRING) END
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t10`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t10`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t10`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t10`.`c_float64` AS STRING) END
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CASE WHEN CAST(SAFE_CAST(`t1`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t1`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t1`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t1`.`c_numeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON `t0`.`c_int64` = `t2`.`c_numeric`
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON `t0`.`c_float64` = `t3`.`c_numeric`
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_numeric` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_003`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t4` ON `t0`.`c_numeric` = `t4`.`c_numeric`
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON `t0`.`c_bignumeric` = `t5`.`c_numeric`
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t6`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t6`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t6`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t6`.`c_numeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t7`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t7`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t7`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t7`.`c_numeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t8`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t8`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t8`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t8`.`c_numeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t9`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t9`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t9`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t9`.`c_numeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t10`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t10`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t10`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t10`.`c_numeric` AS STRING) END
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CASE WHEN CAST(SAFE_CAST(`t1`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t1`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t1`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t1`.`c_bignumeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON `t0`.`c_int64` = `t2`.`c_bignumeric`
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON `t0`.`c_float64` = `t3`.`c_bignumeric`
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON `t0`.`c_numeric` = `t4`.`c_bignumeric`
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_bignumeric` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_004`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t5` ON `t0`.`c_bignumeric` = `t5`.`c_bignumeric`
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t6`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t6`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t6`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t6`.`c_bignumeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t7`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t7`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t7`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t7`.`c_bignumeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t8`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t8`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t8`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t8`.`c_bignumeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t9`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t9`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t9`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t9`.`c_bignumeric` AS STRING) END
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CASE WHEN CAST(SAFE_CAST(`t10`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t10`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t10`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t10`.`c_bignumeric` AS STRING) END
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = CAST(`t2`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = CAST(`t3`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = CAST(`t4`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = CAST(`t5`.`c_bool` AS STRING)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_bool` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_005`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t6` ON `t0`.`c_bool` = `t6`.`c_bool`
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CAST(`t7`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CAST(`t8`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CAST(`t9`.`c_bool` AS STRING)
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CAST(`t10`.`c_bool` AS STRING)
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_date` AS STRING)
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = CAST(`t2`.`c_date` AS STRING)
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = CAST(`t3`.`c_date` AS STRING)
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = CAST(`t4`.`c_date` AS STRING)
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = CAST(`t5`.`c_date` AS STRING)
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CAST(`t6`.`c_date` AS STRING)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_date` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_006`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t7` ON `t0`.`c_date` = `t7`.`c_date`
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS TIMESTAMP) = CAST(`t8`.`c_date` AS TIMESTAMP)
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS TIMESTAMP) = CAST(`t9`.`c_date` AS TIMESTAMP)
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CAST(`t10`.`c_date` AS STRING)
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = CAST(`t2`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = CAST(`t3`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = CAST(`t4`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = CAST(`t5`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CAST(`t6`.`c_datetime` AS STRING)
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS TIMESTAMP) = CAST(`t7`.`c_datetime` AS TIMESTAMP)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_datetime` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_timestamp` IS NULL, `c_timestamp`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_007`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t8` ON `t0`.`c_datetime` = `t8`.`c_datetime`
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS TIMESTAMP) = CAST(`t9`.`c_datetime` AS TIMESTAMP)
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CAST(`t10`.`c_datetime` AS STRING)
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = CAST(`t2`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = CAST(`t3`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = CAST(`t4`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = CAST(`t5`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CAST(`t6`.`c_timestamp` AS STRING)
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS TIMESTAMP) = CAST(`t7`.`c_timestamp` AS TIMESTAMP)
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS TIMESTAMP) = CAST(`t8`.`c_timestamp` AS TIMESTAMP)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_timestamp` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_time` IS NULL, `c_time`) AS `_b2_nth`
        FROM `raw_data`.`other_008`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t9` ON `t0`.`c_timestamp` = `t9`.`c_timestamp`
    LEFT JOIN `raw_data`.`other_009` AS `t10` ON CAST(`t0`.`c_time` AS STRING) = CAST(`t10`.`c_timestamp` AS STRING)
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

-- gives c_int64 INT64, c_string STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`c_int64` AS `c_int64`,
      `t0`.`c_string` AS `c_string`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN `raw_data`.`other_000` AS `t1` ON `t0`.`c_string` = CAST(`t1`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_001` AS `t2` ON CAST(`t0`.`c_int64` AS STRING) = CAST(`t2`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_002` AS `t3` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS FLOAT64) = CAST(`t0`.`c_float64` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_float64` AS INT64) AS STRING) ELSE CAST(`t0`.`c_float64` AS STRING) END = CAST(`t3`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_003` AS `t4` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_numeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_numeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_numeric` AS STRING) END = CAST(`t4`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_004` AS `t5` ON CASE WHEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS FLOAT64) = CAST(`t0`.`c_bignumeric` AS FLOAT64) THEN CAST(SAFE_CAST(`t0`.`c_bignumeric` AS INT64) AS STRING) ELSE CAST(`t0`.`c_bignumeric` AS STRING) END = CAST(`t5`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_005` AS `t6` ON CAST(`t0`.`c_bool` AS STRING) = CAST(`t6`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_006` AS `t7` ON CAST(`t0`.`c_date` AS STRING) = CAST(`t7`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_007` AS `t8` ON CAST(`t0`.`c_datetime` AS STRING) = CAST(`t8`.`c_time` AS STRING)
    LEFT JOIN `raw_data`.`other_008` AS `t9` ON CAST(`t0`.`c_timestamp` AS STRING) = CAST(`t9`.`c_time` AS STRING)
    LEFT JOIN (
      SELECT
        `c_string`,
        `c_int64`,
        `c_float64`,
        `c_numeric`,
        `c_bignumeric`,
        `c_bool`,
        `c_date`,
        `c_datetime`,
        `c_timestamp`,
        `c_time`
      FROM (
        SELECT
          `c_string`,
          `c_int64`,
          `c_float64`,
          `c_numeric`,
          `c_bignumeric`,
          `c_bool`,
          `c_date`,
          `c_datetime`,
          `c_timestamp`,
          `c_time`,
          ROW_NUMBER() OVER (PARTITION BY `c_time` ORDER BY `c_string` IS NULL, `c_string`, `c_int64` IS NULL, `c_int64`, `c_float64` IS NULL, `c_float64`, `c_numeric` IS NULL, `c_numeric`, `c_bignumeric` IS NULL, `c_bignumeric`, `c_bool` IS NULL, `c_bool`, `c_date` IS NULL, `c_date`, `c_datetime` IS NULL, `c_datetime`, `c_timestamp` IS NULL, `c_timestamp`) AS `_b2_nth`
        FROM `raw_data`.`other_009`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t10` ON `t0`.`c_time` = `t10`.`c_time`
  ),
  `result` AS (
    SELECT
      `c_int64`,
      `c_string`
    FROM `scope`
  )
SELECT
  `c_int64`,
  `c_string`
FROM `result`

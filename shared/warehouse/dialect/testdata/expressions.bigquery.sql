CREATE TABLE `raw_data`.`every` (
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

-- @numbers ARRAY<INT64> = [1]
-- @texts ARRAY<STRING> = ["a"]
-- gives v0 INT64, v1 TIMESTAMP, v2 INT64, v3 BOOL, v4 BOOL, v5 STRING, v6 STRING, v7 INT64, v8 STRING, v9 FLOAT64, v10 STRING, v11 NUMERIC, v12 STRING, v13 BIGNUMERIC, v14 STRING, v15 BOOL, v16 STRING, v17 DATE, v18 STRING, v19 INT64, v20 DATE, v21 DATETIME, v22 STRING, v23 INT64, v24 DATE, v25 TIMESTAMP, v26 STRING, v27 INT64, v28 DATE, v29 TIME, v30 STRING, v31 BYTES, v32 STRING
SELECT
  CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(`c_string`)), 1, 15)) AS INT64) AS v0,
  TIMESTAMP_SECONDS(`c_int64`) AS v1,
  DIV(`c_int64`, 7) AS v2,
  `c_string` IN UNNEST(@texts) AS v3,
  `c_int64` IN UNNEST(@numbers) AS v4,
  SAFE_CAST(`c_string` AS STRING) AS v5,
  SAFE_CAST(`c_string` AS STRING) AS v6,
  SAFE_CAST(`c_string` AS INT64) AS v7,
  SAFE_CAST(`c_int64` AS STRING) AS v8,
  SAFE_CAST(`c_string` AS FLOAT64) AS v9,
  SAFE_CAST(`c_float64` AS STRING) AS v10,
  SAFE_CAST(`c_string` AS NUMERIC) AS v11,
  SAFE_CAST(`c_numeric` AS STRING) AS v12,
  SAFE_CAST(`c_string` AS BIGNUMERIC) AS v13,
  SAFE_CAST(`c_bignumeric` AS STRING) AS v14,
  SAFE_CAST(`c_string` AS BOOL) AS v15,
  SAFE_CAST(`c_bool` AS STRING) AS v16,
  SAFE_CAST(`c_string` AS DATE) AS v17,
  SAFE_CAST(`c_date` AS STRING) AS v18,
  UNIX_SECONDS(TIMESTAMP(`c_date`)) AS v19,
  `c_date` AS v20,
  SAFE_CAST(`c_string` AS DATETIME) AS v21,
  SAFE_CAST(`c_datetime` AS STRING) AS v22,
  UNIX_SECONDS(TIMESTAMP(`c_datetime`)) AS v23,
  DATE(`c_datetime`) AS v24,
  SAFE_CAST(`c_string` AS TIMESTAMP) AS v25,
  SAFE_CAST(`c_timestamp` AS STRING) AS v26,
  UNIX_SECONDS(`c_timestamp`) AS v27,
  DATE(`c_timestamp`) AS v28,
  SAFE_CAST(`c_string` AS TIME) AS v29,
  SAFE_CAST(`c_time` AS STRING) AS v30,
  SAFE_CAST(`c_string` AS BYTES) AS v31,
  SAFE_CAST(`c_bytes` AS STRING) AS v32
FROM `raw_data`.`every`

-- gives v0 INT64, v1 INT64, v2 ARRAY<STRING>, v3 INT64, v4 ARRAY<INT64>, v5 ARRAY<INT64>, v6 INT64, v7 ARRAY<FLOAT64>, v8 ARRAY<FLOAT64>, v9 INT64, v10 ARRAY<NUMERIC>, v11 ARRAY<NUMERIC>, v12 INT64, v13 ARRAY<BIGNUMERIC>, v14 ARRAY<BIGNUMERIC>, v15 INT64, v16 ARRAY<BOOL>, v17 INT64, v18 ARRAY<DATE>, v19 INT64, v20 ARRAY<DATETIME>, v21 INT64, v22 ARRAY<TIMESTAMP>, v23 INT64, v24 ARRAY<TIME>, v25 INT64, v26 ARRAY<BYTES>
SELECT
  COUNTIF(`c_bool`) AS v0,
  APPROX_COUNT_DISTINCT(`c_string`) AS v1,
  ARRAY_AGG(`c_string` IGNORE NULLS ORDER BY `c_string` DESC LIMIT 3) AS v2,
  APPROX_COUNT_DISTINCT(`c_int64`) AS v3,
  ARRAY_AGG(`c_int64` IGNORE NULLS ORDER BY `c_int64` DESC LIMIT 3) AS v4,
  APPROX_QUANTILES(`c_int64`, 10) AS v5,
  APPROX_COUNT_DISTINCT(`c_float64`) AS v6,
  ARRAY_AGG(`c_float64` IGNORE NULLS ORDER BY `c_float64` DESC LIMIT 3) AS v7,
  APPROX_QUANTILES(`c_float64`, 10) AS v8,
  APPROX_COUNT_DISTINCT(`c_numeric`) AS v9,
  ARRAY_AGG(`c_numeric` IGNORE NULLS ORDER BY `c_numeric` DESC LIMIT 3) AS v10,
  APPROX_QUANTILES(`c_numeric`, 10) AS v11,
  APPROX_COUNT_DISTINCT(`c_bignumeric`) AS v12,
  ARRAY_AGG(`c_bignumeric` IGNORE NULLS ORDER BY `c_bignumeric` DESC LIMIT 3) AS v13,
  APPROX_QUANTILES(`c_bignumeric`, 10) AS v14,
  APPROX_COUNT_DISTINCT(`c_bool`) AS v15,
  ARRAY_AGG(`c_bool` IGNORE NULLS ORDER BY `c_bool` DESC LIMIT 3) AS v16,
  APPROX_COUNT_DISTINCT(`c_date`) AS v17,
  ARRAY_AGG(`c_date` IGNORE NULLS ORDER BY `c_date` DESC LIMIT 3) AS v18,
  APPROX_COUNT_DISTINCT(`c_datetime`) AS v19,
  ARRAY_AGG(`c_datetime` IGNORE NULLS ORDER BY `c_datetime` DESC LIMIT 3) AS v20,
  APPROX_COUNT_DISTINCT(`c_timestamp`) AS v21,
  ARRAY_AGG(`c_timestamp` IGNORE NULLS ORDER BY `c_timestamp` DESC LIMIT 3) AS v22,
  APPROX_COUNT_DISTINCT(`c_time`) AS v23,
  ARRAY_AGG(`c_time` IGNORE NULLS ORDER BY `c_time` DESC LIMIT 3) AS v24,
  APPROX_COUNT_DISTINCT(`c_bytes`) AS v25,
  ARRAY_AGG(`c_bytes` IGNORE NULLS ORDER BY `c_bytes` DESC LIMIT 3) AS v26
FROM `raw_data`.`every`

-- gives v0 INT64, v1 INT64, v2 INT64, v3 INT64, v4 INT64, v5 INT64, v6 INT64, v7 INT64, v8 INT64, v9 INT64, v10 INT64, v11 INT64, v12 INT64, v13 INT64, v14 INT64, v15 INT64, v16 INT64, v17 INT64, v18 INT64, v19 INT64
SELECT
  x.`select` AS v0,
  x.`a b` AS v1,
  x.`back\`tick` AS v2,
  x.`back\\slash` AS v3,
  x.`\`` AS v4,
  x.`\\` AS v5,
  x.`\\\`` AS v6,
  x.`"quoted"` AS v7,
  x.`it's` AS v8,
  x.`a;b` AS v9,
  x.`-- a` AS v10,
  x.`/* a` AS v11,
  x.`@p` AS v12,
  x.`a${p}` AS v13,
  x.`new\nline` AS v14,
  x.`re\rturn` AS v15,
  x.`tab	` AS v16,
  x.` ` AS v17,
  x.`Ærø` AS v18,
  x.`a.b` AS v19
FROM (SELECT 0 AS `select`, 1 AS `a b`, 2 AS `back\`tick`, 3 AS `back\\slash`, 4 AS `\``, 5 AS `\\`, 6 AS `\\\``, 7 AS `"quoted"`, 8 AS `it's`, 9 AS `a;b`, 10 AS `-- a`, 11 AS `/* a`, 12 AS `@p`, 13 AS `a${p}`, 14 AS `new\nline`, 15 AS `re\rturn`, 16 AS `tab	`, 17 AS ` `, 18 AS `Ærø`, 19 AS `a.b`) AS x

-- @today INT64 = 20513
-- gives item_no STRING, buyer STRING, at INT64, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`item_no` AS `item_no`,
      `t0`.`price` AS `buyer`,
      `t0`.`name` AS `at`
    FROM `raw_data`.`products` AS `t0`
  ),
  `result` AS (
    SELECT
      `item_no`,
      `buyer`,
      `at`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(`item_no`, '') AS `item_no`,
      NULLIF(CASE WHEN CAST(SAFE_CAST(`buyer` AS INT64) AS FLOAT64) = CAST(`buyer` AS FLOAT64) THEN CAST(SAFE_CAST(`buyer` AS INT64) AS STRING) ELSE CAST(`buyer` AS STRING) END, '') AS `buyer`,
      COALESCE(UNIX_SECONDS(SAFE_CAST(`at` AS TIMESTAMP)), 0) AS `at`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(UNIX_SECONDS(SAFE_CAST(`at` AS TIMESTAMP)))))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CASE WHEN CAST(SAFE_CAST(`buyer` AS INT64) AS FLOAT64) = CAST(`buyer` AS FLOAT64) THEN CAST(SAFE_CAST(`buyer` AS INT64) AS STRING) ELSE CAST(`buyer` AS STRING) END, '') IS NOT NULL
      AND NULLIF(`item_no`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(TIMESTAMP_SECONDS(UNIX_SECONDS(SAFE_CAST(`at` AS TIMESTAMP)))))), 86400) IS NOT NULL
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
  `item_no`,
  `buyer`,
  `at`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- @today INT64 = 20513
-- gives customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
  ),
  `result` AS (
    SELECT
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      NULLIF(CAST(`customer_no` AS STRING), '') AS `customer_no`,
      NULLIF(`item_no`, '') AS `item_no`,
      COALESCE(UNIX_SECONDS(`sold_at`), 0) AS `sold_at`,
      COALESCE(CAST(`amount` AS FLOAT64), CAST(0 AS FLOAT64)) AS `amount`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) AS `_b2_day`
    FROM `result`
    WHERE NULLIF(CAST(`customer_no` AS STRING), '') IS NOT NULL
      AND NULLIF(`item_no`, '') IS NOT NULL
      AND DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NOT NULL
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
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`,
  CASE WHEN `_b2_day` > (`_b2_hi` - 7) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - 7) - 14) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`
  AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(`customer_no` || '|sample')), 1, 15)) AS INT64), 100) < 25

CREATE TABLE `ml`.`examples_random` (
  `document` STRING,
  `customer_no` STRING,
  `item_no` STRING,
  `sold_at` INT64,
  `amount` FLOAT64,
  `split` STRING
)

CREATE TABLE `ml`.`examples_temporal` (
  `document` STRING,
  `customer_no` STRING,
  `item_no` STRING,
  `sold_at` INT64,
  `amount` FLOAT64,
  `split` STRING
)

CREATE TABLE `raw_data`.`products` (
  `item_no` STRING,
  `name` STRING,
  `price` FLOAT64
)

CREATE TABLE `raw_data`.`sales` (
  `document` STRING,
  `customer_no` INT64,
  `item_no` STRING,
  `sold_at` TIMESTAMP,
  `amount` NUMERIC
)

-- gives rows INT64, nulls_0 INT64, distinct_0 INT64, nulls_1 INT64, distinct_1 INT64, min_1 FLOAT64, max_1 FLOAT64, fractions_1 INT64, negative_1 INT64, nulls_2 INT64, distinct_2 INT64, nulls_3 INT64, distinct_3 INT64, nulls_4 INT64, distinct_4 INT64, min_4 FLOAT64, max_4 FLOAT64, fractions_4 INT64, negative_4 INT64
SELECT
  COUNT(*) AS `rows`,
  COUNTIF(`document` IS NULL) AS `nulls_0`,
  APPROX_COUNT_DISTINCT(`document`) AS `distinct_0`,
  COUNTIF(`customer_no` IS NULL) AS `nulls_1`,
  APPROX_COUNT_DISTINCT(`customer_no`) AS `distinct_1`,
  MIN(CAST(`customer_no` AS FLOAT64)) AS `min_1`,
  MAX(CAST(`customer_no` AS FLOAT64)) AS `max_1`,
  COUNTIF(NOT (CAST(`customer_no` AS FLOAT64) = FLOOR(CAST(`customer_no` AS FLOAT64)))) AS `fractions_1`,
  COUNTIF(CAST(`customer_no` AS FLOAT64) < 0) AS `negative_1`,
  COUNTIF(`item_no` IS NULL) AS `nulls_2`,
  APPROX_COUNT_DISTINCT(`item_no`) AS `distinct_2`,
  COUNTIF(`sold_at` IS NULL) AS `nulls_3`,
  APPROX_COUNT_DISTINCT(`sold_at`) AS `distinct_3`,
  COUNTIF(`amount` IS NULL) AS `nulls_4`,
  APPROX_COUNT_DISTINCT(`amount`) AS `distinct_4`,
  MIN(CAST(`amount` AS FLOAT64)) AS `min_4`,
  MAX(CAST(`amount` AS FLOAT64)) AS `max_4`,
  COUNTIF(NOT (CAST(`amount` AS FLOAT64) = FLOOR(CAST(`amount` AS FLOAT64)))) AS `fractions_4`,
  COUNTIF(CAST(`amount` AS FLOAT64) < 0) AS `negative_4`
FROM `raw_data`.`sales`

-- gives present_0 INT64, length_0 FLOAT64, spaces_0 INT64, dates_0 INT64, numbers_0 INT64, present_2 INT64, length_2 FLOAT64, spaces_2 INT64, dates_2 INT64, numbers_2 INT64
SELECT
  COUNT(`document`) AS `present_0`,
  AVG(LENGTH(`document`)) AS `length_0`,
  COUNTIF(`document` LIKE '% %') AS `spaces_0`,
  COUNTIF(SAFE_CAST(`document` AS TIMESTAMP) IS NOT NULL) AS `dates_0`,
  COUNTIF(SAFE_CAST(`document` AS FLOAT64) IS NOT NULL) AS `numbers_0`,
  COUNT(`item_no`) AS `present_2`,
  AVG(LENGTH(`item_no`)) AS `length_2`,
  COUNTIF(`item_no` LIKE '% %') AS `spaces_2`,
  COUNTIF(SAFE_CAST(`item_no` AS TIMESTAMP) IS NOT NULL) AS `dates_2`,
  COUNTIF(SAFE_CAST(`item_no` AS FLOAT64) IS NOT NULL) AS `numbers_2`
FROM (
  SELECT
    `document`,
    `item_no`
  FROM `raw_data`.`sales`
  LIMIT 50000
) AS `f`

-- gives days INT64, values_4 INT64, pairs_4 INT64
SELECT
  COUNT(DISTINCT DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400)) AS `days`,
  COUNT(DISTINCT CASE WHEN DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NOT NULL THEN CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END END) AS `values_4`,
  COUNT(DISTINCT CASE WHEN DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NOT NULL THEN (CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END || '|') || CAST(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) AS STRING) END) AS `pairs_4`
FROM `raw_data`.`sales`

-- gives rows INT64, nulls_0 INT64, distinct_0 INT64, nulls_1 INT64, distinct_1 INT64, nulls_2 INT64, distinct_2 INT64, min_2 FLOAT64, max_2 FLOAT64, fractions_2 INT64, negative_2 INT64
SELECT
  COUNT(*) AS `rows`,
  COUNTIF(`item_no` IS NULL) AS `nulls_0`,
  APPROX_COUNT_DISTINCT(`item_no`) AS `distinct_0`,
  COUNTIF(`name` IS NULL) AS `nulls_1`,
  APPROX_COUNT_DISTINCT(`name`) AS `distinct_1`,
  COUNTIF(`price` IS NULL) AS `nulls_2`,
  APPROX_COUNT_DISTINCT(`price`) AS `distinct_2`,
  MIN(CASE WHEN `price` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `price` END) AS `min_2`,
  MAX(CASE WHEN `price` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `price` END) AS `max_2`,
  COUNTIF(NOT (CASE WHEN `price` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `price` END = FLOOR(CASE WHEN `price` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `price` END))) AS `fractions_2`,
  COUNTIF(CASE WHEN `price` BETWEEN CAST(-1.7e+308 AS FLOAT64) AND CAST(1.7e+308 AS FLOAT64) THEN `price` END < 0) AS `negative_2`
FROM `raw_data`.`products`

-- gives present_0 INT64, length_0 FLOAT64, spaces_0 INT64, dates_0 INT64, numbers_0 INT64, present_1 INT64, length_1 FLOAT64, spaces_1 INT64, dates_1 INT64, numbers_1 INT64
SELECT
  COUNT(`item_no`) AS `present_0`,
  AVG(LENGTH(`item_no`)) AS `length_0`,
  COUNTIF(`item_no` LIKE '% %') AS `spaces_0`,
  COUNTIF(SAFE_CAST(`item_no` AS TIMESTAMP) IS NOT NULL) AS `dates_0`,
  COUNTIF(SAFE_CAST(`item_no` AS FLOAT64) IS NOT NULL) AS `numbers_0`,
  COUNT(`name`) AS `present_1`,
  AVG(LENGTH(`name`)) AS `length_1`,
  COUNTIF(`name` LIKE '% %') AS `spaces_1`,
  COUNTIF(SAFE_CAST(`name` AS TIMESTAMP) IS NOT NULL) AS `dates_1`,
  COUNTIF(SAFE_CAST(`name` AS FLOAT64) IS NOT NULL) AS `numbers_1`
FROM (
  SELECT
    `item_no`,
    `name`
  FROM `raw_data`.`products`
  LIMIT 50000
) AS `f`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT `item_no` AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `item_no` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT `item_no` AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `item_no` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT CAST(`customer_no` AS STRING) AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `customer_no` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT `item_no` AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `item_no` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT `document` AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `document` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT `item_no` AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `item_no` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT `document` AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `document` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT CASE WHEN CAST(SAFE_CAST(`price` AS INT64) AS FLOAT64) = CAST(`price` AS FLOAT64) THEN CAST(SAFE_CAST(`price` AS INT64) AS STRING) ELSE CAST(`price` AS STRING) END AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `price` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT CAST(`customer_no` AS STRING) AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `customer_no` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT CASE WHEN CAST(SAFE_CAST(`price` AS INT64) AS FLOAT64) = CAST(`price` AS FLOAT64) THEN CAST(SAFE_CAST(`price` AS INT64) AS STRING) ELSE CAST(`price` AS STRING) END AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `price` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives n INT64, d INT64
SELECT
  COUNT(`price`) AS `n`,
  COUNT(DISTINCT `price`) AS `d`
FROM `raw_data`.`products`

-- gives n INT64, found INT64
SELECT
  COUNT(*) AS `n`,
  COUNT(`r`.`_b2_key`) AS `found`
FROM (
  SELECT DISTINCT `item_no` AS `_b2_key`
  FROM `raw_data`.`sales`
  WHERE `item_no` IS NOT NULL
) AS `l`
LEFT JOIN (
  SELECT DISTINCT CASE WHEN CAST(SAFE_CAST(`price` AS INT64) AS FLOAT64) = CAST(`price` AS FLOAT64) THEN CAST(SAFE_CAST(`price` AS INT64) AS STRING) ELSE CAST(`price` AS STRING) END AS `_b2_key`
  FROM `raw_data`.`products`
  WHERE `price` IS NOT NULL
) AS `r` ON `l`.`_b2_key` = `r`.`_b2_key`

-- gives days INT64, values_4 INT64, pairs_4 INT64
SELECT
  COUNT(DISTINCT DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400)) AS `days`,
  COUNT(DISTINCT CASE WHEN DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NOT NULL AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END)), 1, 15)) AS INT64), 4) = 0 THEN CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END END) AS `values_4`,
  COUNT(DISTINCT CASE WHEN DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NOT NULL AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END)), 1, 15)) AS INT64), 4) = 0 THEN (CASE WHEN CAST(SAFE_CAST(`amount` AS INT64) AS FLOAT64) = CAST(`amount` AS FLOAT64) THEN CAST(SAFE_CAST(`amount` AS INT64) AS STRING) ELSE CAST(`amount` AS STRING) END || '|') || CAST(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) AS STRING) END) AS `pairs_4`
FROM `raw_data`.`sales`

-- gives n INT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  )
SELECT COUNT(*) AS `n`
FROM `result`

-- gives document STRING, customer_no INT64, item_no STRING, sold_at TIMESTAMP, amount NUMERIC
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  )
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM `result`
LIMIT 5

-- gives document STRING, customer_no INT64, item_no STRING, sold_at TIMESTAMP, amount NUMERIC
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  )
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM `result`

-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      COALESCE(NULLIF(`document`, ''), '__MISSING__') AS `document`,
      NULLIF(CAST(`customer_no` AS STRING), '') AS `customer_no`,
      NULLIF(`item_no`, '') AS `item_no`,
      COALESCE(UNIX_SECONDS(`sold_at`), 0) AS `sold_at`,
      COALESCE(CAST(`amount` AS FLOAT64), CAST(0 AS FLOAT64)) AS `amount`
    FROM `result`
    WHERE NULLIF(CAST(`customer_no` AS STRING), '') IS NOT NULL
      AND NULLIF(`item_no`, '') IS NOT NULL
  )
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM `kept`

-- @today INT64 = 20513
-- gives rows INT64, nulls_0 INT64, distinct_0 INT64, nulls_1 INT64, distinct_1 INT64, min_1 FLOAT64, max_1 FLOAT64, mean_1 FLOAT64, dev_1 FLOAT64, quantiles_1 ARRAY<FLOAT64>, nulls_2 INT64, distinct_2 INT64, nulls_3 INT64, distinct_3 INT64, min_3 TIMESTAMP, max_3 TIMESTAMP, nulls_4 INT64, distinct_4 INT64, min_4 FLOAT64, max_4 FLOAT64, mean_4 FLOAT64, dev_4 FLOAT64, quantiles_4 ARRAY<FLOAT64>, no_customer INT64, no_product INT64, value FLOAT64, value_abs FLOAT64, value_negative FLOAT64, no_time INT64, future INT64, first INT64, last INT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`t0`.`sold_at`))), 86400) AS `_b2_day`,
      1 AS `_b2_match_0`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`,
      `_b2_match_0`,
      `_b2_day`
    FROM `scope`
  )
SELECT
  COUNT(*) AS `rows`,
  COUNTIF(`document` IS NULL) AS `nulls_0`,
  APPROX_COUNT_DISTINCT(`document`) AS `distinct_0`,
  COUNTIF(`customer_no` IS NULL) AS `nulls_1`,
  APPROX_COUNT_DISTINCT(`customer_no`) AS `distinct_1`,
  MIN(CAST(`customer_no` AS FLOAT64)) AS `min_1`,
  MAX(CAST(`customer_no` AS FLOAT64)) AS `max_1`,
  AVG(CAST(`customer_no` AS FLOAT64)) AS `mean_1`,
  STDDEV_SAMP(CAST(`customer_no` AS FLOAT64)) AS `dev_1`,
  APPROX_QUANTILES(CAST(`customer_no` AS FLOAT64), 10) AS `quantiles_1`,
  COUNTIF(`item_no` IS NULL) AS `nulls_2`,
  APPROX_COUNT_DISTINCT(`item_no`) AS `distinct_2`,
  COUNTIF(`sold_at` IS NULL) AS `nulls_3`,
  APPROX_COUNT_DISTINCT(`sold_at`) AS `distinct_3`,
  MIN(`sold_at`) AS `min_3`,
  MAX(`sold_at`) AS `max_3`,
  COUNTIF(`amount` IS NULL) AS `nulls_4`,
  APPROX_COUNT_DISTINCT(`amount`) AS `distinct_4`,
  MIN(CAST(`amount` AS FLOAT64)) AS `min_4`,
  MAX(CAST(`amount` AS FLOAT64)) AS `max_4`,
  AVG(CAST(`amount` AS FLOAT64)) AS `mean_4`,
  STDDEV_SAMP(CAST(`amount` AS FLOAT64)) AS `dev_4`,
  APPROX_QUANTILES(CAST(`amount` AS FLOAT64), 10) AS `quantiles_4`,
  COUNTIF(NULLIF(CAST(`customer_no` AS STRING), '') IS NULL) AS `no_customer`,
  COUNTIF(NULLIF(`item_no`, '') IS NULL) AS `no_product`,
  SUM(CAST(`amount` AS FLOAT64)) AS `value`,
  SUM(ABS(CAST(`amount` AS FLOAT64))) AS `value_abs`,
  SUM(CASE WHEN CAST(`amount` AS FLOAT64) <= 0 THEN ABS(CAST(`amount` AS FLOAT64)) END) AS `value_negative`,
  COUNTIF(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NULL) AS `no_time`,
  COUNTIF(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) > @today) AS `future`,
  MIN(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400)) AS `first`,
  MAX(DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400)) AS `last`
FROM `result`

-- gives kind STRING, label STRING, a FLOAT64, b FLOAT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`,
      DIV(UNIX_SECONDS(TIMESTAMP(DATE(`t0`.`sold_at`))), 86400) AS `_b2_day`,
      1 AS `_b2_match_0`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`,
      `_b2_match_0`,
      `_b2_day`
    FROM `scope`
  ),
  `roles` AS (
    SELECT
      NULLIF(CAST(`customer_no` AS STRING), '') AS `_b2_customer`,
      NULLIF(`item_no`, '') AS `_b2_product`,
      COALESCE(CAST(`amount` AS FLOAT64), CAST(0 AS FLOAT64)) AS `_b2_value`,
      UNIX_SECONDS(`sold_at`) AS `_b2_time`
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
    CAST(`document` AS STRING) AS `label`,
    CAST(COUNT(*) AS FLOAT64) AS `a`,
    CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
  FROM `result`
  WHERE `document` IS NOT NULL
  GROUP BY `document`
  ORDER BY COUNT(*) DESC, `document`
  LIMIT 10
)
UNION ALL
(
  SELECT
    'column ' || CAST(1 AS STRING) AS `kind`,
    CAST(`item_no` AS STRING) AS `label`,
    CAST(COUNT(*) AS FLOAT64) AS `a`,
    CAST(CAST(NULL AS FLOAT64) AS FLOAT64) AS `b`
  FROM `result`
  WHERE `item_no` IS NOT NULL
  GROUP BY `item_no`
  ORDER BY COUNT(*) DESC, `item_no`
  LIMIT 10
)

-- gives n INT64
SELECT COUNT(*) AS `n`
FROM `raw_data`.`sales`

-- @today INT64 = 20513
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      COALESCE(NULLIF(`document`, ''), '__MISSING__') AS `document`,
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
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`,
  CASE WHEN `_b2_day` > (`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'test' WHEN `_b2_day` > ((`_b2_hi` - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) - GREATEST(1, DIV((`_b2_hi` - `_b2_lo`) + 1, 10))) THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
CROSS JOIN `bounds`
WHERE `_b2_day` <= `_b2_hi`

-- gives split STRING, n INT64
SELECT
  `split`,
  COUNT(*) AS `n`
FROM `ml`.`examples_temporal`
GROUP BY `split`

-- gives c INT64, p INT64
SELECT
  COUNT(DISTINCT `customer_no`) AS `c`,
  COUNT(DISTINCT `item_no`) AS `p`
FROM `ml`.`examples_temporal`

-- @today INT64 = 20513
-- gives n INT64, lo INT64, hi INT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  ),
  `kept` AS (
    SELECT DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) AS `_b2_day`
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
  COUNTIF(NULLIF(CAST(`customer_no` AS STRING), '') IS NULL OR NULLIF(`item_no`, '') IS NULL OR DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) IS NULL OR DIV(UNIX_SECONDS(TIMESTAMP(DATE(`sold_at`))), 86400) > `b`.`_b2_hi`) AS `n`,
  MIN(`b`.`_b2_lo`) AS `lo`,
  MAX(`b`.`_b2_hi`) AS `hi`
FROM `result`
CROSS JOIN `bounds` AS `b`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM (
  SELECT
    `x`.`document` AS `document`,
    `x`.`customer_no` AS `customer_no`,
    `x`.`item_no` AS `item_no`,
    `x`.`sold_at` AS `sold_at`,
    `x`.`amount` AS `amount`,
    ROW_NUMBER() OVER (PARTITION BY `x`.`item_no` ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`) AS `_b2_nth`
  FROM `ml`.`examples_temporal` AS `x`
  JOIN (
    SELECT
      `x`.`item_no` AS `item_no`,
      MAX(`x`.`sold_at`) AS `_b2_latest`
    FROM `ml`.`examples_temporal` AS `x`
    WHERE `x`.`split` = @split
    GROUP BY `x`.`item_no`
  ) AS `t` ON `t`.`item_no` = `x`.`item_no`
  WHERE `x`.`split` = @split
    AND `x`.`sold_at` = `t`.`_b2_latest`
) AS `r`
WHERE `_b2_nth` = 1
ORDER BY `item_no`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM (
  SELECT
    `x`.`document` AS `document`,
    `x`.`customer_no` AS `customer_no`,
    `x`.`item_no` AS `item_no`,
    (
      SELECT MAX(`x`.`sold_at`) AS `n`
      FROM `ml`.`examples_temporal` AS `x`
    ) AS `sold_at`,
    `x`.`amount` AS `amount`,
    ROW_NUMBER() OVER (PARTITION BY `x`.`customer_no` ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`) AS `_b2_nth`
  FROM `ml`.`examples_temporal` AS `x`
  JOIN (
    SELECT
      `x`.`customer_no` AS `customer_no`,
      MAX(CASE WHEN `x`.`split` = @split THEN `x`.`sold_at` END) AS `_b2_latest`,
      MIN(`x`.`sold_at`) AS `_b2_earliest`
    FROM `ml`.`examples_temporal` AS `x`
    GROUP BY `x`.`customer_no`
  ) AS `t` ON `t`.`customer_no` = `x`.`customer_no`
  WHERE ((`x`.`split` = @split AND `x`.`sold_at` = `t`.`_b2_latest`) OR (`t`.`_b2_latest` IS NULL AND `x`.`sold_at` = `t`.`_b2_earliest`))
) AS `r`
WHERE `_b2_nth` = 1
ORDER BY `customer_no`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `x`.`document` AS `document`,
  `x`.`customer_no` AS `customer_no`,
  `x`.`item_no` AS `item_no`,
  `x`.`sold_at` AS `sold_at`,
  `x`.`amount` AS `amount`
FROM `ml`.`examples_temporal` AS `x`
WHERE `x`.`split` = @split
ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `x`.`document` AS `document`,
  `x`.`customer_no` AS `customer_no`,
  `x`.`item_no` AS `item_no`,
  `x`.`sold_at` AS `sold_at`,
  `x`.`amount` AS `amount`
FROM `ml`.`examples_temporal` AS `x`
WHERE `x`.`split` = @split

-- @seed STRING = "0"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64, split STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  ),
  `kept` AS (
    SELECT
      COALESCE(NULLIF(`document`, ''), '__MISSING__') AS `document`,
      NULLIF(CAST(`customer_no` AS STRING), '') AS `customer_no`,
      NULLIF(`item_no`, '') AS `item_no`,
      COALESCE(UNIX_SECONDS(`sold_at`), 0) AS `sold_at`,
      COALESCE(CAST(`amount` AS FLOAT64), CAST(0 AS FLOAT64)) AS `amount`
    FROM `result`
    WHERE NULLIF(CAST(`customer_no` AS STRING), '') IS NOT NULL
      AND NULLIF(`item_no`, '') IS NOT NULL
  )
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`,
  CASE WHEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5((((`customer_no` || '|') || `item_no`) || '|') || @seed)), 1, 15)) AS INT64), 10) = 9 THEN 'test' WHEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5((((`customer_no` || '|') || `item_no`) || '|') || @seed)), 1, 15)) AS INT64), 10) = 8 THEN 'eval' ELSE 'train' END AS `split`
FROM `kept`
WHERE MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(`customer_no` || '|sample')), 1, 15)) AS INT64), 100) < 90

-- gives split STRING, n INT64
SELECT
  `split`,
  COUNT(*) AS `n`
FROM `ml`.`examples_random`
GROUP BY `split`

-- gives c INT64, p INT64
SELECT
  COUNT(DISTINCT `customer_no`) AS `c`,
  COUNT(DISTINCT `item_no`) AS `p`
FROM `ml`.`examples_random`

-- gives n INT64
WITH
  `scope` AS (
    SELECT
      `t0`.`document` AS `document`,
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`
    FROM `raw_data`.`sales` AS `t0`
    WHERE (`t0`.`amount` > 0 OR `t0`.`amount` IS NULL)
  ),
  `result` AS (
    SELECT
      `document`,
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`
    FROM `scope`
  )
SELECT COUNTIF(NULLIF(CAST(`customer_no` AS STRING), '') IS NULL OR NULLIF(`item_no`, '') IS NULL) AS `n`
FROM `result`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM (
  SELECT
    `x`.`document` AS `document`,
    `x`.`customer_no` AS `customer_no`,
    `x`.`item_no` AS `item_no`,
    `x`.`sold_at` AS `sold_at`,
    `x`.`amount` AS `amount`,
    ROW_NUMBER() OVER (PARTITION BY `x`.`item_no` ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`) AS `_b2_nth`
  FROM `ml`.`examples_random` AS `x`
  JOIN (
    SELECT
      `x`.`item_no` AS `item_no`,
      MAX(`x`.`sold_at`) AS `_b2_latest`
    FROM `ml`.`examples_random` AS `x`
    WHERE `x`.`split` = @split
    GROUP BY `x`.`item_no`
  ) AS `t` ON `t`.`item_no` = `x`.`item_no`
  WHERE `x`.`split` = @split
    AND `x`.`sold_at` = `t`.`_b2_latest`
) AS `r`
WHERE `_b2_nth` = 1
ORDER BY `item_no`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `document`,
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM (
  SELECT
    `x`.`document` AS `document`,
    `x`.`customer_no` AS `customer_no`,
    `x`.`item_no` AS `item_no`,
    (
      SELECT MAX(`x`.`sold_at`) AS `n`
      FROM `ml`.`examples_random` AS `x`
    ) AS `sold_at`,
    `x`.`amount` AS `amount`,
    ROW_NUMBER() OVER (PARTITION BY `x`.`customer_no` ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`) AS `_b2_nth`
  FROM `ml`.`examples_random` AS `x`
  JOIN (
    SELECT
      `x`.`customer_no` AS `customer_no`,
      MAX(CASE WHEN `x`.`split` = @split THEN `x`.`sold_at` END) AS `_b2_latest`,
      MIN(`x`.`sold_at`) AS `_b2_earliest`
    FROM `ml`.`examples_random` AS `x`
    GROUP BY `x`.`customer_no`
  ) AS `t` ON `t`.`customer_no` = `x`.`customer_no`
  WHERE ((`x`.`split` = @split AND `x`.`sold_at` = `t`.`_b2_latest`) OR (`t`.`_b2_latest` IS NULL AND `x`.`sold_at` = `t`.`_b2_earliest`))
) AS `r`
WHERE `_b2_nth` = 1
ORDER BY `customer_no`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `x`.`document` AS `document`,
  `x`.`customer_no` AS `customer_no`,
  `x`.`item_no` AS `item_no`,
  `x`.`sold_at` AS `sold_at`,
  `x`.`amount` AS `amount`
FROM `ml`.`examples_random` AS `x`
WHERE `x`.`split` = @split
ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((((`x`.`document` || '|') || `x`.`customer_no`) || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`

-- @split STRING = "train"
-- gives document STRING, customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `x`.`document` AS `document`,
  `x`.`customer_no` AS `customer_no`,
  `x`.`item_no` AS `item_no`,
  `x`.`sold_at` AS `sold_at`,
  `x`.`amount` AS `amount`
FROM `ml`.`examples_random` AS `x`
WHERE `x`.`split` = @split

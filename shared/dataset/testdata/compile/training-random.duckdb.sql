-- @seed STRING = "42"
-- @start_day INT64 = 20147
-- gives customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64, split STRING
WITH
  "scope" AS (
    SELECT
      "t0"."customer_no" AS "customer_no",
      "t0"."item_no" AS "item_no",
      "t0"."sold_at" AS "sold_at",
      "t0"."amount" AS "amount"
    FROM "raw_data"."sales" AS "t0"
    WHERE (((epoch_us(CAST(CAST("t0"."sold_at" AS DATE) AS TIMESTAMP)) // 1000000)) // (86400)) >= @start_day
  ),
  "result" AS (
    SELECT
      "customer_no",
      "item_no",
      "sold_at",
      "amount"
    FROM "scope"
  ),
  "kept" AS (
    SELECT
      NULLIF(CAST("customer_no" AS VARCHAR), '') AS "customer_no",
      NULLIF("item_no", '') AS "item_no",
      COALESCE((epoch_us(date_trunc('second', "sold_at")) // 1000000), 0) AS "sold_at",
      COALESCE(CAST("amount" AS DOUBLE), CAST(0 AS DOUBLE)) AS "amount"
    FROM "result"
    WHERE NULLIF(CAST("customer_no" AS VARCHAR), '') IS NOT NULL
      AND NULLIF("item_no", '') IS NOT NULL
  )
SELECT
  "customer_no",
  "item_no",
  "sold_at",
  "amount",
  CASE WHEN MOD(CAST('0x' || substr(md5(((("customer_no" || '|') || "item_no") || '|') || @seed), 1, 15) AS BIGINT), 10) = 9 THEN 'test' WHEN MOD(CAST('0x' || substr(md5(((("customer_no" || '|') || "item_no") || '|') || @seed), 1, 15) AS BIGINT), 10) = 8 THEN 'eval' ELSE 'train' END AS "split"
FROM "kept"

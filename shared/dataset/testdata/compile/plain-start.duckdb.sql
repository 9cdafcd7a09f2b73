-- @start_day INT64 = 20147
-- gives customer_no INT64, item_no STRING, sold_at TIMESTAMP, amount NUMERIC
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
  )
SELECT
  "customer_no",
  "item_no",
  "sold_at",
  "amount"
FROM "result"

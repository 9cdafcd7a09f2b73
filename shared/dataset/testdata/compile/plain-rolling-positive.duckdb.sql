-- @rolling_days INT64 = 90
-- @today INT64 = 20513
-- gives customer_no INT64, item_no STRING, sold_at TIMESTAMP, amount NUMERIC
WITH
  "scope" AS (
    SELECT
      "t0"."customer_no" AS "customer_no",
      "t0"."item_no" AS "item_no",
      "t0"."sold_at" AS "sold_at",
      "t0"."amount" AS "amount",
      (((epoch_us(CAST(CAST("t0"."sold_at" AS DATE) AS TIMESTAMP)) // 1000000)) // (86400)) AS "_b2_day"
    FROM "raw_data"."sales" AS "t0"
    WHERE ("t0"."amount" > 0 OR "t0"."amount" IS NULL)
  ),
  "anchor" AS (
    SELECT CASE WHEN (COUNT(*) FILTER (WHERE "_b2_day" > @today) * 20) >= COUNT(*) THEN MAX("_b2_day") ELSE COALESCE(MAX(CASE WHEN "_b2_day" <= @today THEN "_b2_day" END), MAX("_b2_day")) END AS "_b2_hi"
    FROM "scope"
  ),
  "result" AS (
    SELECT
      "customer_no",
      "item_no",
      "sold_at",
      "amount"
    FROM "scope"
    CROSS JOIN "anchor"
    WHERE "_b2_day" > ("_b2_hi" - @rolling_days)
      AND "_b2_day" <= "_b2_hi"
  )
SELECT
  "customer_no",
  "item_no",
  "sold_at",
  "amount"
FROM "result"

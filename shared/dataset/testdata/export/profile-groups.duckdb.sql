-- @rolling_days INT64 = 90
-- @today INT64 = 20513
WITH
  "scope" AS (
    SELECT
      "t0"."customer_no" AS "customer_no",
      "t0"."item_no" AS "item_no",
      "t0"."sold_at" AS "sold_at",
      "t0"."amount" AS "amount",
      (((epoch_us(CAST(CAST("t0"."sold_at" AS DATE) AS TIMESTAMP)) // 1000000)) // (86400)) AS "_b2_day",
      1 AS "_b2_match_0"
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
      "amount",
      "_b2_match_0",
      "_b2_day"
    FROM "scope"
    CROSS JOIN "anchor"
    WHERE "_b2_day" > ("_b2_hi" - @rolling_days)
      AND "_b2_day" <= "_b2_hi"
  ),
  "roles" AS (
    SELECT
      NULLIF(CAST("customer_no" AS VARCHAR), '') AS "_b2_customer",
      NULLIF("item_no", '') AS "_b2_product",
      COALESCE(CAST("amount" AS DOUBLE), CAST(0 AS DOUBLE)) AS "_b2_value",
      (epoch_us(date_trunc('second', "sold_at")) // 1000000) AS "_b2_time"
    FROM "result"
  ),
  "pairs" AS (
    SELECT
      "_b2_customer",
      "_b2_product",
      COUNT(*) AS "_b2_n",
      SUM("_b2_value") AS "_b2_value"
    FROM "roles"
    WHERE "_b2_customer" IS NOT NULL
      AND "_b2_product" IS NOT NULL
    GROUP BY "_b2_customer", "_b2_product"
  ),
  "per_customer" AS (
    SELECT
      "_b2_customer",
      SUM("_b2_n") AS "_b2_n",
      SUM("_b2_value") AS "_b2_value"
    FROM "pairs"
    WHERE "_b2_customer" IS NOT NULL
    GROUP BY "_b2_customer"
  ),
  "per_product" AS (
    SELECT
      "_b2_product",
      SUM("_b2_n") AS "_b2_n",
      SUM("_b2_value") AS "_b2_value"
    FROM "pairs"
    WHERE "_b2_product" IS NOT NULL
    GROUP BY "_b2_product"
  ),
  "per_customer_curve" AS (
    SELECT
      ROW_NUMBER() OVER (ORDER BY "_b2_value" DESC, "_b2_customer") AS "_b2_rank",
      SUM("_b2_value") OVER (ORDER BY "_b2_value" DESC, "_b2_customer" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "_b2_sum",
      SUM("_b2_value") OVER () AS "_b2_total",
      COUNT(*) OVER () AS "_b2_of"
    FROM "per_customer"
    WHERE "_b2_value" > 0
  ),
  "per_product_curve" AS (
    SELECT
      ROW_NUMBER() OVER (ORDER BY "_b2_value" DESC, "_b2_product") AS "_b2_rank",
      SUM("_b2_value") OVER (ORDER BY "_b2_value" DESC, "_b2_product" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "_b2_sum",
      SUM("_b2_value") OVER () AS "_b2_total",
      COUNT(*) OVER () AS "_b2_of"
    FROM "per_product"
    WHERE "_b2_value" > 0
  )
SELECT
  'entities' AS "kind",
  'customers' AS "label",
  CAST(COUNT(*) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM "per_customer"
UNION ALL
SELECT
  'entities' AS "kind",
  'products' AS "label",
  CAST(COUNT(*) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM "per_product"
UNION ALL
SELECT
  'entities' AS "kind",
  'pairs' AS "label",
  CAST(COUNT(*) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM "pairs"
UNION ALL
SELECT
  'singles' AS "kind",
  CAST(NULL AS VARCHAR) AS "label",
  CAST(COUNT(*) FILTER (WHERE "_b2_n" = 1) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM "per_customer"
UNION ALL
SELECT
  'top product' AS "kind",
  CAST(NULL AS VARCHAR) AS "label",
  CAST(MAX("_b2_n") AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM "per_product"
UNION ALL
SELECT
  'twice' AS "kind",
  CAST(NULL AS VARCHAR) AS "label",
  CAST(SUM("_b2_n" - 1) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM (
  SELECT COUNT(*) AS "_b2_n"
  FROM "roles"
  GROUP BY "_b2_customer", "_b2_product", "_b2_time", "_b2_value"
) AS "d"
UNION ALL
SELECT
  'customer curve' AS "kind",
  CAST("_b2_of" AS VARCHAR) AS "label",
  CAST("_b2_rank" AS DOUBLE) AS "a",
  CAST("_b2_sum" / "_b2_total" AS DOUBLE) AS "b"
FROM "per_customer_curve"
WHERE ("_b2_rank" = 1 OR "_b2_rank" = "_b2_of" OR MOD("_b2_rank", (("_b2_of" + 97) // (98))) = 0)
UNION ALL
SELECT
  'product curve' AS "kind",
  CAST("_b2_of" AS VARCHAR) AS "label",
  CAST("_b2_rank" AS DOUBLE) AS "a",
  CAST("_b2_sum" / "_b2_total" AS DOUBLE) AS "b"
FROM "per_product_curve"
WHERE ("_b2_rank" = 1 OR "_b2_rank" = "_b2_of" OR MOD("_b2_rank", (("_b2_of" + 97) // (98))) = 0)
UNION ALL
SELECT
  'month' AS "kind",
  CAST("_b2_month" AS VARCHAR) AS "label",
  CAST(COUNT(*) AS DOUBLE) AS "a",
  CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
FROM (
  SELECT (EXTRACT(YEAR FROM CAST(CAST(make_timestamp(CAST("_b2_time" AS BIGINT) * 1000000) AS TIMESTAMPTZ) AS DATE)) * 100) + EXTRACT(MONTH FROM CAST(CAST(make_timestamp(CAST("_b2_time" AS BIGINT) * 1000000) AS TIMESTAMPTZ) AS DATE)) AS "_b2_month"
  FROM "roles"
  WHERE "_b2_time" IS NOT NULL
) AS "m"
GROUP BY "_b2_month"
UNION ALL
(
  SELECT
    'column ' || CAST(0 AS VARCHAR) AS "kind",
    CAST("item_no" AS VARCHAR) AS "label",
    CAST(COUNT(*) AS DOUBLE) AS "a",
    CAST(CAST(NULL AS DOUBLE) AS DOUBLE) AS "b"
  FROM "result"
  WHERE "item_no" IS NOT NULL
  GROUP BY "item_no"
  ORDER BY COUNT(*) DESC, "item_no"
  LIMIT 10
)

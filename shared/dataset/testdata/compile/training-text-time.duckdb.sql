-- @today INT64 = 20513
-- gives item_no STRING, buyer STRING, at INT64, split STRING
WITH
  "scope" AS (
    SELECT
      "t0"."item_no" AS "item_no",
      "t0"."price" AS "buyer",
      "t0"."name" AS "at"
    FROM "raw_data"."products" AS "t0"
  ),
  "result" AS (
    SELECT
      "item_no",
      "buyer",
      "at"
    FROM "scope"
  ),
  "kept" AS (
    SELECT
      NULLIF("item_no", '') AS "item_no",
      NULLIF(CASE WHEN CAST(TRY_CAST("buyer" AS BIGINT) AS DOUBLE) = CAST("buyer" AS DOUBLE) THEN CAST(TRY_CAST("buyer" AS BIGINT) AS VARCHAR) ELSE CAST("buyer" AS VARCHAR) END, '') AS "buyer",
      COALESCE((epoch_us(date_trunc('second', TRY_CAST("at" AS TIMESTAMPTZ))) // 1000000), 0) AS "at",
      (((epoch_us(CAST(CAST(CAST(make_timestamp(CAST((epoch_us(date_trunc('second', TRY_CAST("at" AS TIMESTAMPTZ))) // 1000000) AS BIGINT) * 1000000) AS TIMESTAMPTZ) AS DATE) AS TIMESTAMP)) // 1000000)) // (86400)) AS "_b2_day"
    FROM "result"
    WHERE NULLIF(CASE WHEN CAST(TRY_CAST("buyer" AS BIGINT) AS DOUBLE) = CAST("buyer" AS DOUBLE) THEN CAST(TRY_CAST("buyer" AS BIGINT) AS VARCHAR) ELSE CAST("buyer" AS VARCHAR) END, '') IS NOT NULL
      AND NULLIF("item_no", '') IS NOT NULL
      AND (((epoch_us(CAST(CAST(CAST(make_timestamp(CAST((epoch_us(date_trunc('second', TRY_CAST("at" AS TIMESTAMPTZ))) // 1000000) AS BIGINT) * 1000000) AS TIMESTAMPTZ) AS DATE) AS TIMESTAMP)) // 1000000)) // (86400)) IS NOT NULL
  ),
  "anchor_day" AS (
    SELECT CASE WHEN (COUNT(*) FILTER (WHERE "_b2_day" > @today) * 20) >= COUNT(*) THEN MAX("_b2_day") ELSE COALESCE(MAX(CASE WHEN "_b2_day" <= @today THEN "_b2_day" END), MAX("_b2_day")) END AS "_b2_hi"
    FROM "kept"
  ),
  "bounds" AS (
    SELECT
      MIN("_b2_day") AS "_b2_lo",
      MAX("_b2_hi") AS "_b2_hi"
    FROM "kept"
    CROSS JOIN "anchor_day"
  )
SELECT
  "item_no",
  "buyer",
  "at",
  CASE WHEN "_b2_day" > ("_b2_hi" - GREATEST(1, ((("_b2_hi" - "_b2_lo") + 1) // (10)))) THEN 'test' WHEN "_b2_day" > (("_b2_hi" - GREATEST(1, ((("_b2_hi" - "_b2_lo") + 1) // (10)))) - GREATEST(1, ((("_b2_hi" - "_b2_lo") + 1) // (10)))) THEN 'eval' ELSE 'train' END AS "split"
FROM "kept"
CROSS JOIN "bounds"
WHERE "_b2_day" <= "_b2_hi"

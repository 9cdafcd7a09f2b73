-- gives customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64, paid INT64, name STRING, price FLOAT64, since INT64, opens STRING, city STRING, customers_customer_no STRING
WITH
  "scope" AS (
    SELECT
      "t0"."customer_no" AS "customer_no",
      "t0"."item_no" AS "item_no",
      "t0"."sold_at" AS "sold_at",
      "t0"."amount" AS "amount",
      "t0"."paid" AS "paid",
      "t1"."name" AS "name",
      "t1"."price" AS "price",
      "t1"."since" AS "since",
      "t1"."opens" AS "opens",
      "t2"."City" AS "city",
      "t2"."customer_no" AS "customers_customer_no"
    FROM "raw_data"."sales" AS "t0"
    LEFT JOIN (
      SELECT
        "item_no",
        "name",
        "price",
        "since",
        "opens"
      FROM (
        SELECT
          "item_no",
          "name",
          "price",
          "since",
          "opens",
          ROW_NUMBER() OVER (PARTITION BY "item_no" ORDER BY "name" IS NULL, "name", "price" IS NULL, "price", "since" IS NULL, "since", "opens" IS NULL, "opens") AS "_b2_nth"
        FROM "raw_data"."products"
      ) AS "r"
      WHERE "_b2_nth" = 1
    ) AS "t1" ON "t0"."item_no" = "t1"."item_no"
    JOIN "raw_data"."customers" AS "t2" ON CAST("t0"."customer_no" AS VARCHAR) = "t2"."customer_no"
  ),
  "result" AS (
    SELECT
      "customer_no",
      "item_no",
      "sold_at",
      "amount",
      "paid",
      "name",
      "price",
      "since",
      "opens",
      "city",
      "customers_customer_no"
    FROM "scope"
  ),
  "kept" AS (
    SELECT
      NULLIF(CAST("customer_no" AS VARCHAR), '') AS "customer_no",
      NULLIF("item_no", '') AS "item_no",
      COALESCE((epoch_us(date_trunc('second', "sold_at")) // 1000000), 0) AS "sold_at",
      COALESCE(CAST("amount" AS DOUBLE), CAST(0 AS DOUBLE)) AS "amount",
      COALESCE(CAST("paid" AS BIGINT), 0) AS "paid",
      COALESCE(NULLIF("name", ''), '__MISSING__') AS "name",
      CASE WHEN "price" BETWEEN CAST(-1.7e+308 AS DOUBLE) AND CAST(1.7e+308 AS DOUBLE) THEN "price" ELSE CAST(0 AS DOUBLE) END AS "price",
      COALESCE((epoch_us(CAST("since" AS TIMESTAMP)) // 1000000), 0) AS "since",
      COALESCE(CAST("opens" AS VARCHAR), '__MISSING__') AS "opens",
      COALESCE(NULLIF("city", ''), '__MISSING__') AS "city",
      COALESCE(NULLIF("customers_customer_no", ''), '__MISSING__') AS "customers_customer_no"
    FROM "result"
    WHERE NULLIF(CAST("customer_no" AS VARCHAR), '') IS NOT NULL
      AND NULLIF("item_no", '') IS NOT NULL
  )
SELECT
  "customer_no",
  "item_no",
  "sold_at",
  "amount",
  "paid",
  "name",
  "price",
  "since",
  "opens",
  "city",
  "customers_customer_no"
FROM "kept"

CREATE TABLE `ml`.`examples_e1` (
  `customer` STRING,
  `product` STRING,
  `sold_at` INT64,
  `category` STRING,
  `brand` STRING,
  `split` STRING
)

CREATE TABLE `ml`.`recommendations_wholesale_e1` (
  `customer` STRING,
  `rank` INT64,
  `product` STRING,
  `score` FLOAT64,
  `seen` BOOL
)

-- @customer STRING = "c0"
-- gives product STRING, score FLOAT64, seen BOOL
SELECT `product`, `score`, `seen` FROM `ml`.`recommendations_wholesale_e1` WHERE `customer` = @customer ORDER BY `rank` LIMIT 10

-- @customer STRING = "c0"
-- gives product STRING, newest INT64, n INT64
SELECT SAFE_CAST(`product` AS STRING) AS product, MAX(`sold_at`) AS newest, COUNT(*) AS n FROM `ml`.`examples_e1` WHERE SAFE_CAST(`customer` AS STRING) = @customer GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 3

-- @products ARRAY<STRING> = ["p0" "p1" "p2" "p3"]
-- gives product_id STRING, category STRING, brand STRING
SELECT product_id, `category`, `brand` FROM (SELECT SAFE_CAST(`product` AS STRING) AS product_id, `category`, `brand`, ROW_NUMBER() OVER (PARTITION BY SAFE_CAST(`product` AS STRING) ORDER BY `sold_at` DESC) AS row_no FROM `ml`.`examples_e1` WHERE SAFE_CAST(`product` AS STRING) IN UNNEST(@products)) AS newest WHERE row_no = 1

-- @customer STRING = "c0"
-- gives product STRING, score FLOAT64, seen BOOL
SELECT `product`, `score`, `seen` FROM `ml`.`recommendations_wholesale_e1` WHERE `customer` = @customer AND NOT COALESCE(`seen`, FALSE) ORDER BY `rank` LIMIT 10

-- @customer STRING = "nobody"
-- gives one INT64
SELECT 1 AS one FROM `ml`.`recommendations_wholesale_e1` WHERE `customer` = @customer LIMIT 1

-- gives id STRING, n INT64
SELECT SAFE_CAST(`customer` AS STRING) AS id, COUNT(*) AS n FROM `ml`.`examples_e1` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50

-- @search STRING = "c1"
-- gives id STRING, n INT64
SELECT SAFE_CAST(`customer` AS STRING) AS id, COUNT(*) AS n FROM `ml`.`examples_e1` WHERE STRPOS(LOWER(SAFE_CAST(`customer` AS STRING)), @search) > 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50

-- @customer STRING = "c0"
-- gives product STRING, newest INT64, n INT64
SELECT SAFE_CAST(`product` AS STRING) AS product, CAST(NULL AS INT64) AS newest, COUNT(*) AS n FROM `ml`.`examples_e1` WHERE SAFE_CAST(`customer` AS STRING) = @customer GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 3

-- @products ARRAY<STRING> = ["p0" "p1" "p2" "p3"]
-- gives product_id STRING, category STRING, brand STRING
SELECT product_id, `category`, `brand` FROM (SELECT SAFE_CAST(`product` AS STRING) AS product_id, `category`, `brand`, ROW_NUMBER() OVER (PARTITION BY SAFE_CAST(`product` AS STRING) ORDER BY SAFE_CAST(`product` AS STRING)) AS row_no FROM `ml`.`examples_e1` WHERE SAFE_CAST(`product` AS STRING) IN UNNEST(@products)) AS newest WHERE row_no = 1

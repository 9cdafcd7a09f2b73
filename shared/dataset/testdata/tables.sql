CREATE TABLE `ml`.`examples_r1` (
  `customer_no` STRING,
  `item_no` STRING,
  `sold_at` INT64,
  `amount` FLOAT64,
  `split` STRING
)

CREATE TABLE `raw_data`.`customers` (
  `customer_no` STRING,
  `City` STRING,
  `id` INT64
)

CREATE TABLE `raw_data`.`products` (
  `item_no` STRING,
  `name` STRING,
  `price` FLOAT64,
  `since` DATE,
  `opens` TIME
)

CREATE TABLE `raw_data`.`sales` (
  `id` INT64,
  `customer_no` INT64,
  `item_no` STRING,
  `sold_at` TIMESTAMP,
  `amount` NUMERIC,
  `paid` BOOL,
  `note` JSON,
  `tags` ARRAY<STRING>
)

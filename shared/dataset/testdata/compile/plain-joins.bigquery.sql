-- gives customer_no INT64, item_no STRING, sold_at TIMESTAMP, amount NUMERIC, paid BOOL, name STRING, price FLOAT64, since DATE, opens TIME, city STRING, customers_customer_no STRING
WITH
  `scope` AS (
    SELECT
      `t0`.`customer_no` AS `customer_no`,
      `t0`.`item_no` AS `item_no`,
      `t0`.`sold_at` AS `sold_at`,
      `t0`.`amount` AS `amount`,
      `t0`.`paid` AS `paid`,
      `t1`.`name` AS `name`,
      `t1`.`price` AS `price`,
      `t1`.`since` AS `since`,
      `t1`.`opens` AS `opens`,
      `t2`.`City` AS `city`,
      `t2`.`customer_no` AS `customers_customer_no`
    FROM `raw_data`.`sales` AS `t0`
    LEFT JOIN (
      SELECT
        `item_no`,
        `name`,
        `price`,
        `since`,
        `opens`
      FROM (
        SELECT
          `item_no`,
          `name`,
          `price`,
          `since`,
          `opens`,
          ROW_NUMBER() OVER (PARTITION BY `item_no` ORDER BY `name` IS NULL, `name`, `price` IS NULL, `price`, `since` IS NULL, `since`, `opens` IS NULL, `opens`) AS `_b2_nth`
        FROM `raw_data`.`products`
      ) AS `r`
      WHERE `_b2_nth` = 1
    ) AS `t1` ON `t0`.`item_no` = `t1`.`item_no`
    JOIN `raw_data`.`customers` AS `t2` ON CAST(`t0`.`customer_no` AS STRING) = `t2`.`customer_no`
  ),
  `result` AS (
    SELECT
      `customer_no`,
      `item_no`,
      `sold_at`,
      `amount`,
      `paid`,
      `name`,
      `price`,
      `since`,
      `opens`,
      `city`,
      `customers_customer_no`
    FROM `scope`
  )
SELECT
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`,
  `paid`,
  `name`,
  `price`,
  `since`,
  `opens`,
  `city`,
  `customers_customer_no`
FROM `result`

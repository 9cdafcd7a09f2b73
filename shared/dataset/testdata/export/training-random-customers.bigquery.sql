-- @split STRING = "train"
-- gives customer_no STRING, item_no STRING, sold_at INT64, amount FLOAT64
SELECT
  `customer_no`,
  `item_no`,
  `sold_at`,
  `amount`
FROM (
  SELECT
    `x`.`customer_no` AS `customer_no`,
    `x`.`item_no` AS `item_no`,
    `x`.`sold_at` AS `sold_at`,
    `x`.`amount` AS `amount`,
    ROW_NUMBER() OVER (PARTITION BY `x`.`customer_no` ORDER BY CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(((((`x`.`customer_no` || '|') || `x`.`item_no`) || '|') || CAST(`x`.`sold_at` AS STRING)) || '|')), 1, 15)) AS INT64), `x`.`amount`) AS `_b2_nth`
  FROM `ml`.`examples_r1` AS `x`
  JOIN (
    SELECT
      `x`.`customer_no` AS `customer_no`,
      MAX(CASE WHEN `x`.`split` = @split THEN 1 END) AS `_b2_latest`
    FROM `ml`.`examples_r1` AS `x`
    GROUP BY `x`.`customer_no`
  ) AS `t` ON `t`.`customer_no` = `x`.`customer_no`
  WHERE (`x`.`split` = @split OR `t`.`_b2_latest` IS NULL)
) AS `r`
WHERE `_b2_nth` = 1
ORDER BY `customer_no`

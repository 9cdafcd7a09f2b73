CREATE TABLE `raw_data`.`sales` (
  `id` INT64 NOT NULL,
  `tags` ARRAY<STRING>,
  `doc` JSON
)

-- gives id INT64, tags ARRAY<STRING>, doc JSON
SELECT * FROM `raw_data`.`sales`

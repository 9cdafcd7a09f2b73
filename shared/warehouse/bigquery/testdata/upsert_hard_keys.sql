-- gives n0 INT64, n1 INT64, n2 INT64, n3 INT64, n4 INT64, n5 INT64, n6 INT64, n7 INT64
SELECT COUNTIF(`id` IS NULL) AS n0, COUNTIF(`price` IS NOT NULL AND SAFE_CAST(`price` AS NUMERIC) IS NULL) AS n1, COUNTIF(`sold` IS NOT NULL AND SAFE_CAST(`sold` AS DATE) IS NULL) AS n2, COUNTIF(`seen` IS NOT NULL AND SAFE_CAST(`seen` AS TIMESTAMP) IS NULL) AS n3, COUNTIF(`doc` IS NOT NULL AND SAFE.PARSE_JSON(`doc`, wide_number_mode=>'round') IS NULL) AS n4, COUNTIF(`place` IS NOT NULL AND SAFE.ST_GEOGFROM(`place`) IS NULL) AS n5, COUNTIF(`weight` IS NULL) AS n6, COUNTIF(`name` IS NULL) AS n7 FROM `b2brecs_staging`.`commit_1`

-- @dataset STRING = "raw_data"
-- @id STRING = "run-1"
-- @name STRING = "sales"
-- @rows_read INT64 = 5
BEGIN TRANSACTION;
IF NOT EXISTS (SELECT 1 FROM `b2brecs_ledger`.`commits` WHERE id = @id) THEN
INSERT INTO `b2brecs_ledger`.`commits` (id, dataset, name, rows_read, inserted, updated, deleted, committed)
SELECT @id, @dataset, @name, @rows_read, inserted, updated, deleted, CURRENT_TIMESTAMP()
FROM (
  WITH batch AS (SELECT DISTINCT `weight` AS `weight`, `name` AS `name` FROM `b2brecs_staging`.`commit_1`), found AS (SELECT
    (SELECT COUNT(*) FROM batch) AS batch_keys,
    (SELECT COUNT(*) FROM batch AS b WHERE EXISTS (SELECT 1 FROM `raw_data`.`sales` AS t WHERE b.`weight` = t.`weight` AND TO_JSON_STRING(b.`name`) = TO_JSON_STRING(t.`name`))) AS updated,
    (SELECT COUNT(*) FROM `raw_data`.`sales` AS t WHERE EXISTS (SELECT 1 FROM batch AS b WHERE b.`weight` = t.`weight` AND TO_JSON_STRING(b.`name`) = TO_JSON_STRING(t.`name`))) AS replaced)
  SELECT batch_keys - updated AS inserted, updated, replaced - updated AS deleted FROM found
);
DELETE FROM `raw_data`.`sales` AS t WHERE EXISTS (SELECT 1 FROM (SELECT DISTINCT `weight` AS `weight`, `name` AS `name` FROM `b2brecs_staging`.`commit_1`) AS b WHERE b.`weight` = t.`weight` AND TO_JSON_STRING(b.`name`) = TO_JSON_STRING(t.`name`));
INSERT INTO `raw_data`.`sales` (`ID`, `name`, `weight`, `price`, `sold`, `seen`, `doc`, `place`, `tags`, `seq`, `file`)
SELECT `ID`, `name`, `weight`, `price`, `sold`, `seen`, `doc`, `place`, `tags`, `seq`, `file` FROM (SELECT `id` AS `ID`, `name` AS `name`, `weight` AS `weight`, CAST(`price` AS NUMERIC) AS `price`, CAST(`sold` AS DATE) AS `sold`, CAST(`seen` AS TIMESTAMP) AS `seen`, PARSE_JSON(`doc`, wide_number_mode=>'round') AS `doc`, ST_GEOGFROM(`place`) AS `place`, `tags` AS `tags`, `seq` AS `seq`, `file` AS `file` FROM `b2brecs_staging`.`commit_1`)
WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY TO_JSON_STRING(`weight`), `name`) = 1;
END IF;
COMMIT TRANSACTION;

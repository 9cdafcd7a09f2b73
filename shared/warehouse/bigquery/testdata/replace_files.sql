-- gives n0 INT64, n1 INT64, n2 INT64, n3 INT64, n4 INT64, n5 INT64
SELECT COUNTIF(`id` IS NULL) AS n0, COUNTIF(`price` IS NOT NULL AND SAFE_CAST(`price` AS NUMERIC) IS NULL) AS n1, COUNTIF(`sold` IS NOT NULL AND SAFE_CAST(`sold` AS DATE) IS NULL) AS n2, COUNTIF(`seen` IS NOT NULL AND SAFE_CAST(`seen` AS TIMESTAMP) IS NULL) AS n3, COUNTIF(`doc` IS NOT NULL AND SAFE.PARSE_JSON(`doc`, wide_number_mode=>'round') IS NULL) AS n4, COUNTIF(`place` IS NOT NULL AND SAFE.ST_GEOGFROM(`place`) IS NULL) AS n5 FROM `b2brecs_staging`.`commit_1`

-- @dataset STRING = "raw_data"
-- @files ARRAY<STRING> = ["it's 1.csv"]
-- @id STRING = "run-1"
-- @name STRING = "sales"
-- @rows_read INT64 = 5
BEGIN TRANSACTION;
IF NOT EXISTS (SELECT 1 FROM `b2brecs_ledger`.`commits` WHERE id = @id) THEN
INSERT INTO `b2brecs_ledger`.`commits` (id, dataset, name, rows_read, inserted, updated, deleted, committed)
SELECT @id, @dataset, @name, @rows_read, inserted, updated, deleted, CURRENT_TIMESTAMP()
FROM (SELECT @rows_read AS inserted, 0 AS updated, (SELECT COUNT(*) FROM `raw_data`.`sales` WHERE CAST(`file` AS STRING) IN UNNEST(@files)) AS deleted);
DELETE FROM `raw_data`.`sales` WHERE CAST(`file` AS STRING) IN UNNEST(@files);
INSERT INTO `raw_data`.`sales` (`ID`, `name`, `weight`, `price`, `sold`, `seen`, `doc`, `place`, `tags`, `seq`, `file`)
SELECT `id` AS `ID`, `name` AS `name`, `weight` AS `weight`, CAST(`price` AS NUMERIC) AS `price`, CAST(`sold` AS DATE) AS `sold`, CAST(`seen` AS TIMESTAMP) AS `seen`, PARSE_JSON(`doc`, wide_number_mode=>'round') AS `doc`, ST_GEOGFROM(`place`) AS `place`, `tags` AS `tags`, `seq` AS `seq`, `file` AS `file` FROM `b2brecs_staging`.`commit_1`;
END IF;
COMMIT TRANSACTION;

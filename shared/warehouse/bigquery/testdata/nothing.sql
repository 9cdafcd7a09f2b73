-- @dataset STRING = "raw_data"
-- @id STRING = "run-1"
-- @name STRING = "sales"
-- @rows_read INT64 = 0
BEGIN TRANSACTION;
IF NOT EXISTS (SELECT 1 FROM `b2brecs_ledger`.`commits` WHERE id = @id) THEN
INSERT INTO `b2brecs_ledger`.`commits` (id, dataset, name, rows_read, inserted, updated, deleted, committed)
SELECT @id, @dataset, @name, @rows_read, inserted, updated, deleted, CURRENT_TIMESTAMP()
FROM (SELECT @rows_read AS inserted, 0 AS updated, 0 AS deleted);
END IF;
COMMIT TRANSACTION;

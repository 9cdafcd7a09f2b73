-- @id STRING = "run-1"
-- gives rows_read INT64, inserted INT64, updated INT64, deleted INT64
SELECT rows_read, inserted, updated, deleted FROM `b2brecs_ledger`.`commits` WHERE id = @id

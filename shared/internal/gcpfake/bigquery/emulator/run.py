"""Runs bqemulator as the SQL engine of the BigQuery fake.

What it gets wrong, and the product's SQL needs, is replaced here:

- DuckDB's extensions, which it would fetch from the network. Geography and Avro are
  not there.
- Its reader of Parquet goes by the position of columns; BigQuery goes by their names.
- UNIX_SECONDS rounds to the nearest second; BigQuery's rounds down.
- TO_JSON_STRING of NULL is NULL; BigQuery's is 'null'.
- ARRAY_AGG with IGNORE NULLS, ORDER BY and LIMIT does not parse.
- DIV loses the parentheses of its operands.
- A UNION has no statement type; BigQuery's is SELECT.
- NUMERIC without a precision keeps three digits after the point; BigQuery's keeps nine.

It ends when its standard input does, so it does not outlive whoever started it.
"""

import os
import sys
import threading

from bqemulator.cli import main
from bqemulator.jobs import executor
from bqemulator.sql.rewriter import aggregate_variants
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB


def _no_spatial(self: DuckDBEngine) -> None:
    """Leaves the extension out."""


def _load_parquet(path: str, target: str, context: object) -> None:
    context.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])


def _unix_seconds(self: DuckDB.Generator, node: exp.UnixSeconds) -> str:
    micros = f"EPOCH_US({self.sql(node, 'this')})"
    return f"(({micros} - ({micros} % 1000000 + 1000000) % 1000000) // 1000000)"  # EPOCH is a DOUBLE


def _json_string(self: DuckDB.Generator, node: exp.JSONFormat) -> str:
    return f"COALESCE(CAST(TO_JSON({self.sql(node, 'this')}) AS TEXT), 'null')"


def _int_div(self: DuckDB.Generator, node: exp.IntDiv) -> str:
    return f"(({self.sql(node, 'this')}) // ({self.sql(node, 'expression')}))"


_data_type = DuckDB.Generator.datatype_sql
_SCALES = {exp.DataType.Type.DECIMAL: 9, exp.DataType.Type.BIGDECIMAL: 18}  # as the tables have it


def _decimal_type(self: DuckDB.Generator, node: exp.DataType) -> str:
    if node.this in _SCALES and not node.expressions:
        return f"DECIMAL(38, {_SCALES[node.this]})"
    return _data_type(self, node)


_statement_type = executor.classify_statement_type


def _set_operation_type(sql: str) -> str:
    kind = _statement_type(sql)
    if not kind and isinstance(executor._parse_for_classification(sql), exp.SetOperation):
        return "SELECT"
    return kind


def _rewrite_ignore_nulls(tree: exp.Expression) -> bool:
    found = [n for n in tree.walk() if isinstance(n, exp.IgnoreNulls) and isinstance(n.this, exp.ArrayAgg)]
    for node in found:
        inner, limit = node.this.this, None
        if isinstance(inner, exp.Limit):
            inner, limit = inner.this, inner.expression
        value = inner.this if isinstance(inner, exp.Order) else inner
        present = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
        new = exp.Filter(this=exp.ArrayAgg(this=inner.copy()), expression=exp.Where(this=present))
        if limit is not None:
            new = exp.Anonymous(this="ARRAY_SLICE", expressions=[new, exp.Literal.number(1), limit.copy()])
        node.replace(new)
    return bool(found)


DuckDBEngine._load_spatial = _no_spatial
executor._LOAD_FORMAT_HANDLERS["PARQUET"] = _load_parquet
DuckDB.Generator.TRANSFORMS[exp.UnixSeconds] = _unix_seconds
DuckDB.Generator.TRANSFORMS[exp.JSONFormat] = _json_string
DuckDB.Generator.TRANSFORMS[exp.IntDiv] = _int_div
DuckDB.Generator.datatype_sql = _decimal_type
executor.classify_statement_type = _set_operation_type
aggregate_variants._rewrite_ignore_nulls = _rewrite_ignore_nulls


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)  # sqlglot descends some thirty calls for a parenthesis
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.exit(main())

"""The query of `sums.rs` in DuckDB, for the same file: python3 sums.py FILE (needs the package duckdb).

Prints the sums, and to standard error the fastest of five runs with as many threads as there are processors."""

import os
import sys
import time

import duckdb

QUERY = "select country, sum(cents)::bigint from read_parquet(?) where quantity >= 5 group by country order by country"

connection = duckdb.connect()
connection.execute(f"set threads = {os.cpu_count()}")
best = float("inf")
for _ in range(5):
    begun = time.perf_counter()
    rows = connection.execute(QUERY, [sys.argv[1]]).fetchall()
    best = min(best, time.perf_counter() - begun)
print(f"duckdb {duckdb.__version__}: {best * 1e3:.1f} ms", file=sys.stderr)
for country, cents in rows:
    print(country, cents)

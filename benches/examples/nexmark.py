"""The queries of Nexmark in DuckDB, over the tables that nexmark_tables.rs wrote: python3 nexmark.py FOLDER (needs the package duckdb).

Prints the fastest of five runs of each query, with two threads and the tables in memory, and fails if the number or the sum of the rows
is another one than that of the reference.
"""

import csv
import pathlib
import sys
import time

import duckdb

# A bid counts for an auction from its start to its end.
SALES = """
    select any_value(a.seller) seller, any_value(a.category) category, any_value(a.expires) expires, a.id, max(b.price) price
    from auction a join bid b on b.auction = a.id and b.moment between a.moment and a.expires
    group by a.id
"""

# The rows of each query, and the terms that their sum adds.
QUERIES = {
    "q1": ("auction + bidder + price + moment", "select auction, bidder, price * 908 // 1000 price, moment from bid"),
    "q2": ("auction + price", "select auction, price from bid where auction % 123 = 0"),
    "q3": (
        "length(name) + length(city) + length(state) + id",
        """select p.name, p.city, p.state, a.id from auction a join person p on a.seller = p.id
           where a.category = 10 and p.state in ('OR', 'ID', 'CA')""",
    ),
    "q4": ("category + price", f"select category, sum(price) // count(*) price from ({SALES}) group by category"),
    "q5": (
        "start + auction + bids",
        """with counts as (
             select auction, (moment // 2000 - before) * 2000 start, count(*) bids
             from bid, (select unnest(range(5)) before) group by all)
           select start, auction, bids from counts
           qualify bids = max(bids) over (partition by start)""",
    ),
    "q6": (
        "seller + price",
        f"""select seller, sum(price) over last // count(*) over last price from ({SALES})
            window last as (partition by seller order by expires, id rows 9 preceding)""",
    ),
    "q7": (
        "start + auction + bidder + price + moment",
        """select moment // 10000 * 10000 start, * from bid
           qualify price = max(price) over (partition by moment // 10000)""",
    ),
    "q8": (
        "id + length(name) + reserve",
        """select p.id, p.name, a.reserve from person p
           join auction a on a.seller = p.id and a.moment // 10000 = p.moment // 10000""",
    ),
    "q11": (
        "bidder + bids + start + last",
        """with gaps as (
             select bidder, moment, coalesce(moment - lag(moment) over before > 10000, true)::int is_first
             from bid window before as (partition by bidder order by moment)),
           sessions as (
             select bidder, moment, sum(is_first) over (partition by bidder order by moment) session from gaps)
           select bidder, count(*) bids, min(moment) start, max(moment) last from sessions group by bidder, session""",
    ),
    "q12": ("bidder + bids", "select bidder, count(*) bids from bid group by bidder"),
    "q13": (
        "auction + bidder + price + moment + value",
        """select b.*, t.value from bid b
           join (select range key, range * 31 % 1009 value from range(10000)) t on b.auction % 10000 = t.key""",
    ),
    "q18": (
        "auction + bidder + price + moment",
        """select bidder, auction, max((moment, price)) last, last[1] moment, last[2] price
           from bid group by bidder, auction""",
    ),
}

folder = pathlib.Path(sys.argv[1])
connection = duckdb.connect()
connection.sql("set threads = 2")
for table in ("person", "auction", "bid"):
    connection.execute(f"create table {table} as from read_csv('{folder / table}.csv')")
events = sum(connection.execute(f"select count(*) from {table}").fetchone()[0] for table in ("person", "auction", "bid"))
with open(folder / "answers.csv", newline="") as file:
    expected = {row["query"]: (int(row["rows"]), int(row["sum"])) for row in csv.DictReader(file)}

print(f"DuckDB {duckdb.__version__}, {events} events")
wrong = []
for query, (terms, rows) in QUERIES.items():
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        count, total = connection.execute(f"select count(*), sum({terms}) from ({rows})").fetchone()
        best = min(best, time.perf_counter() - begun)
    same = (count, int(total or 0)) == expected[query]
    print(f"{query:4} {best * 1e3:8.1f} ms {events / best / 1e6:8.1f} M events/s {'' if same else 'NOT the rows of the reference'}")
    if not same:
        wrong.append(query)
if wrong:
    sys.exit(f"other rows than the reference: {', '.join(wrong)}")

"""A small wholesale company with latent taste, for tests of model quality."""

import numpy as np
import pyarrow as pa

DAY = 86_400
START = 1_700_006_400  # 2023-11-15, midnight UTC


def transactions(
    rows: int = 100_000,
    customers: int = 5_000,
    products: int = 2_000,
    taste: float = 2.0,
    days: int = 730,
    seed: int = 1,
) -> pa.Table:
    """Order lines, oldest first: ids, attributes of both sides, date, list price.

    A customer's taste lies near their segment's, a product's character near its
    category's. The chance of a purchase grows with the product's popularity
    (Zipf) and with exp(taste * taste vector . character), so `taste` says how
    much there is to learn beyond the best sellers; at 0 there is nothing.
    """
    random = np.random.default_rng(seed)
    dims, segments, categories = 8, 6, 25
    segment = random.integers(0, segments, customers)
    category = random.integers(0, categories, products)
    tastes = random.normal(0, 0.6, [segments, dims])[segment]
    tastes = tastes + random.normal(0, 0.5, [customers, dims])
    characters = random.normal(0, 0.6, [categories, dims])[category]
    characters = characters + random.normal(0, 0.5, [products, dims])
    popularity = -0.8 * np.log1p(random.permutation(products))
    shares = random.pareto(1.2, customers) + 0.3
    lines = random.multinomial(rows, shares / shares.sum())
    who = np.repeat(np.arange(customers), lines)
    what = np.empty(rows, np.int64)
    place = 0
    for customer in np.flatnonzero(lines):
        weights = np.exp(popularity + taste * (characters @ tastes[customer]))
        ladder = np.cumsum(weights)
        draws = random.random(lines[customer]) * ladder[-1]
        what[place : place + lines[customer]] = np.searchsorted(ladder, draws)
        place += lines[customer]
    day = random.integers(0, days, rows)
    order = np.argsort(day, kind="stable")
    who, what, day = who[order], np.minimum(what, products - 1)[order], day[order]
    price = np.round(random.lognormal(2.5, 1.0, products), 2)
    city = random.integers(0, 40, customers)
    brand = random.integers(0, 30, products)
    return pa.table(
        {
            "customer_id": [f"C{c:05d}" for c in who],
            "product_id": [f"{p * 7 + 1000:06d}" for p in what],
            "order_date": START + day * DAY,
            "segment": [f"segment {s}" for s in segment[who]],
            "city": [f"city {c}" for c in city[who]],
            "category": [f"category {c}" for c in category[what]],
            "subcategory": [f"kind {c}-{p % 3}" for c, p in zip(category[what], what, strict=True)],
            "brand": [f"brand {b}" for b in brand[what]],
            "list_price": price[what],
        }
    )


def temporal_split(rows: pa.Table) -> dict[str, pa.Table]:
    """The last tenth of the days is test, the tenth before it eval."""
    day = (rows["order_date"].to_numpy() - START) // DAY
    span = int(day.max()) + 1
    test, evaluation = day >= span * 9 // 10, day >= span * 8 // 10
    return {
        "train": rows.filter(pa.array(~evaluation)),
        "eval": rows.filter(pa.array(evaluation & ~test)),
        "test": rows.filter(pa.array(test)),
    }

"""Five questions to the warehouse, for analysts: a marimo notebook (docs/analysts.md says how to open it)."""

import marimo

app = marimo.App(width="medium", app_title="Five questions to the warehouse")

with app.setup:
    import os

    import duckdb
    import marimo as mo
    import matplotlib.pyplot as plt
    import pandas as pd

    SMALL = 10  # groups of fewer people are not shown: what leaves this notebook is a figure, not a person


@app.cell
def connect():
    """Open the published file, for reading only; nobody can open it otherwise."""
    warehouse = duckdb.connect(os.environ.get("ANALYSTS_WAREHOUSE", "demo-run/warehouse.duckdb"), read_only=True)
    as_of, version = warehouse.sql("select as_of, policy_version from sluis_meta.run").fetchone()
    mo.md(
        f"""
        # Five questions to the warehouse

        State of **{as_of}**, by version {version} of the privacy policy. Three things to know first:

        * **These rows are personal data still.** Names are gone and keys are tokens, but a day with an amount to the
          cent singles out most orders. Do not match them with anything outside, and do not send rows away; send
          figures, and none of fewer than {SMALL} people. Only the tables of `marts` are anonymous statistics.
        * **A token is somebody within one purpose.** `customer_id` joins accounts, addresses, cars and orders. It
          joins no review, visit or newsletter, on purpose.
        * **Rows leave.** `_expires_on` says when. Whoever was erased, restricted or objected is in none of them, and
          comes back, if ever, under another token. So history thins out towards its beginning; `marts` keeps the
          months' sums.
        """
    )
    return (warehouse,)


@app.cell
def turnover(warehouse):
    """Sum by year from the frozen months, which stay although the orders leave."""
    years = warehouse.sql("""
        select year(month)::int as year, category, sum(revenue)::double as revenue
        from marts.revenue_per_month where not withheld group by all
    """).df()
    by_year = years.pivot(index="year", columns="category", values="revenue").fillna(0)
    largest = by_year.sum().nlargest(6).index
    _figure, _axes = plt.subplots(figsize=(9, 4))
    by_year[largest].assign(other=by_year.drop(columns=largest).sum(axis=1)).plot.bar(
        stacked=True, ax=_axes, width=0.85
    )
    _axes.set(title="Turnover by year and category", xlabel="", ylabel="euro")
    _axes.legend(loc="upper left", fontsize=8)
    mo.vstack([mo.md("## 1. What do we sell? (anonymous: from `marts`)"), _figure])
    return (by_year,)


@app.cell
def coming_back(warehouse):
    """Follow tokens: who ordered again within a year of the first order, of those who had a whole year to do so."""
    cohorts = warehouse.sql("""
        with orders as (
            select coalesce(customer_id, guest_id) as buyer, guest_id is not null as guest, placed_at
            from analytics.orders where coalesce(customer_id, guest_id) is not null
        ), buyers as (
            select buyer, any_value(guest) as guest, min(placed_at) as first from orders group by buyer
        ), again as (
            select b.*, exists (
                from orders o
                where o.buyer = b.buyer and o.placed_at > b.first and o.placed_at <= b.first + interval 1 year
            ) as again
            from buyers b where b.first + interval 1 year <= (select max(placed_at) from orders)
        )
        select year(first)::int as year, guest, count(*) as buyers, avg(again::int) * 100 as percent
        from again group by all order by year
    """).df()
    shown = cohorts[cohorts.buyers >= SMALL]
    _figure, _axes = plt.subplots(figsize=(9, 3.5))
    for guest, lines in shown.groupby("guest"):
        _axes.plot(lines.year, lines.percent, marker="o", label="guests" if guest else "accounts")
    _axes.set(title="Ordered again within a year, by year of the first order", ylabel="% of buyers", ylim=(0, 100))
    _axes.legend()
    _words = mo.md(
        "A floor, not the truth: a guest who makes an account, and whoever was erased, counts as somebody new."
    )
    mo.vstack([mo.md("## 2. Do buyers come back?"), _figure, _words])
    return (shown,)


@app.cell
def parcels(warehouse):
    """Compare carriers by the days from dispatch to the door; dates are kept to the day, which is enough."""
    days = warehouse.sql("""
        select carrier, delivered_at - shipped_at as days, count(*) as parcels
        from analytics.deliveries where delivered_at >= shipped_at group by all
    """).df()
    by_carrier = days.pivot(index="carrier", columns="days", values="parcels").fillna(0)
    shares = by_carrier.div(by_carrier.sum(axis=1), axis=0) * 100
    _figure, _axes = plt.subplots(figsize=(9, 3))
    shares.plot.barh(stacked=True, ax=_axes, cmap="Blues", edgecolor="white")
    _axes.set(title="From dispatch to the door", xlabel="% of parcels", ylabel="")
    _axes.legend(title="days", ncols=len(shares.columns), loc="lower right")
    mo.vstack([mo.md("## 3. How long do parcels take?"), _figure])
    return (by_carrier,)


@app.cell
def service(warehouse):
    """Set tickets beside orders, by quarter: of each kind of ticket how many per thousand orders."""
    quarters = warehouse.sql("""
        with tickets as (
            select date_trunc('quarter', created_at) as quarter, kind, count(*) as tickets
            from analytics.support_tickets group by all
        ), orders as (
            select date_trunc('quarter', placed_at) as quarter, count(*) as orders from analytics.orders group by all
        )
        select quarter, kind, tickets * 1000.0 / orders as per_thousand
        from tickets join orders using (quarter)
        where quarter >= (select max(quarter) from orders) - interval 2 years
    """).df()
    _figure, _axes = plt.subplots(figsize=(9, 3.5))
    per_quarter = quarters.pivot(index="quarter", columns="kind", values="per_thousand").fillna(0)
    per_quarter.plot.area(ax=_axes, linewidth=0)
    _axes.set(title="Support tickets per thousand orders", xlabel="")
    _words = mo.md(
        "The last two years only: tickets leave sooner than orders do, and a longer line would rise by itself."
    )
    mo.vstack([mo.md("## 4. What keeps the service desk busy?"), _figure, _words])
    return (per_quarter,)


@app.cell
def cars(warehouse):
    """Join accounts' cars with what the same accounts ordered; cells of too few people stay empty."""
    cells = warehouse.execute(
        """
        select v.make, p.category, count(distinct v.customer_id) as people, sum(l.quantity)::int as pieces
        from (select distinct customer_id, make from analytics.vehicles) v
        join analytics.orders o using (customer_id)
        join analytics.order_lines l using (order_id)
        join analytics.products p using (product_id)
        group by all having people >= ?
        """,
        [SMALL],
    ).df()
    table = cells.pivot(index="make", columns="category", values="pieces")
    table = table.div(table.sum(axis=1), axis=0) * 100
    _figure, _axes = plt.subplots(figsize=(9, 5))
    image = _axes.imshow(table.to_numpy(dtype=float), aspect="auto", cmap="Blues")
    _axes.set_xticks(range(table.shape[1]), table.columns, rotation=45, ha="right", fontsize=8)
    _axes.set_yticks(range(table.shape[0]), table.index, fontsize=8)
    _figure.colorbar(image, label="% of the make's pieces")
    _axes.set_title("What drivers of which make order")
    mo.vstack([mo.md("## 5. Which parts for which cars?"), _figure])
    return (table,)


@app.cell
def leaving(warehouse):
    """Count what leaves when, so that nobody compares a year that is still there with one that is half gone."""
    tables = warehouse.sql("select table_name from duckdb_columns() where column_name = '_expires_on'").fetchall()
    counted = [
        warehouse.table(f"analytics.{name}")
        .query("rows", "select year(_expires_on) as year, count(*) as rows from rows where year > 0 group by all")
        .df()
        .assign(table=name)
        for (name,) in tables
    ]
    ahead = pd.concat(counted).pivot_table(index="table", columns="year", values="rows", fill_value=0).astype(int)
    ahead.columns = ahead.columns.astype(str)
    mo.vstack([mo.md("## And what will not be here for ever: rows that leave, by year"), mo.ui.table(ahead)])
    return (ahead,)


if __name__ == "__main__":
    app.run()

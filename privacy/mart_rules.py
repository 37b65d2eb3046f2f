"""The rules of marts: only published columns, of kinds that fit, and nothing that would undo what is withheld."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from privacy.mart_columns import MOST_DIGITS, digits, follow
from privacy.policy import Policy, Table
from privacy.policy_marts import MONTH, PEOPLE, WITHHELD, Mart, Sum, last_of
from privacy.policy_parts import Broken
from privacy.treatments import Keep, Pseudonymize
from privacy.treatments.periods import ToPeriod


def mart_rules(policy: Policy) -> Iterator[Broken]:
    """Give every rule that a mart breaks."""
    names = {table.publish_as.lower() for table in policy.tables.values()}
    sources: set[str] = set()
    for name, mart in policy.marts.items():
        at = ("marts", name)
        if name.lower() in names:
            yield at, "is the name of a published table or of another mart too (capitals make no difference)"
        if mart.source in sources:
            yield (*at, "from"), "has a mart already; figures of two could be subtracted, and show what each withholds"
        names.add(name.lower())
        sources.add(mart.source)
        for path, message in _mart(policy, mart):
            yield (*at, *path), message


def _mart(policy: Policy, mart: Mart) -> Iterator[Broken]:
    if mart.source not in policy.tables:
        yield ("from",), "names a table that the policy does not have"
        return
    wrong = [(place, why) for place, path in mart.paths() if (why := _leads_nowhere(policy, mart, path))]
    yield from wrong
    yield from _names(mart)
    if not wrong:
        yield from _month(policy, mart)
        yield from _cells(policy, mart)
        yield from _sums(policy, mart)
        yield from _people(policy, mart)


def _leads_nowhere(policy: Policy, mart: Mart, path: str) -> str | None:
    *links, name = path.split(".")
    table: Table | None = policy.tables[mart.source]
    for link in links:
        column = table.columns.get(link) if table else None
        table = policy.tables.get(column.references) if column and column.references and column.extracted else None
        if not table:
            return f"follows {link}, which is not a column with references: … there"
    assert table
    if name not in table.columns:
        return f"names {name}, which is not among the columns of {table.publish_as}"
    published = table.columns[name]
    if not published.extracted or published.type.name not in published.treatment.accepts:
        return f"names {name}, which is always empty; figures are made of published values only"
    return None


def _names(mart: Mart) -> Iterator[Broken]:
    taken = {MONTH, PEOPLE, WITHHELD}
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("by", index), last_of(path)) for index, path in enumerate(mart.by)
    ]
    measures = [(("measures", name), name) for name in mart.measures]
    for place, name in [*named, *measures]:
        if name.lower() in taken:
            yield place, f"would be a second column {name.lower()} of the mart"
        taken.add(name.lower())


def _month(policy: Policy, mart: Mart) -> Iterator[Broken]:
    treatment = follow(policy, mart, mart.month_of).column.treatment
    exact = isinstance(treatment, Keep) or (isinstance(treatment, ToPeriod) and treatment.to in ("day", "month"))
    if not exact or not pa.types.is_date(follow(policy, mart, mart.month_of).published(policy)):
        yield ("month_of",), "is not published as a date whose month is true; generalize it to day or month"


def _cells(policy: Policy, mart: Mart) -> Iterator[Broken]:
    for index, path in enumerate(mart.by):
        found = follow(policy, mart, path)
        if found.column.role not in ("non_personal", "quasi_identifier"):
            yield (
                ("by", index),
                f"is {found.column.role.replace('_', ' ')}; figures are not told apart by such a column",
            )
        if not _tells_apart(found.published(policy)):
            yield ("by", index), "is not published as text, whole numbers, dates, or true and false"


def _tells_apart(published: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_integer, pa.types.is_date, pa.types.is_boolean)
    return any(is_kind(published) for is_kind in kinds)


def _sums(policy: Policy, mart: Mart) -> Iterator[Broken]:
    for name, measure in mart.measures.items():
        if not isinstance(measure, Sum):
            continue
        types = [follow(policy, mart, path).published(policy) for path in measure.factors]
        if not all(pa.types.is_integer(of) or pa.types.is_decimal(of) for of in types):
            yield ("measures", name), "adds up what is not published as whole or decimal numbers"
        elif sum(digits(of)[0] for of in types) > MOST_DIGITS:
            yield ("measures", name), f"multiplies numbers of more than {MOST_DIGITS} digits together"


def _people(policy: Policy, mart: Mart) -> Iterator[Broken]:
    for index, path in enumerate(mart.people):
        table, name = follow(policy, mart, path)
        subject = {table.source_of(i.column) for i in table.subject.found_by if i.column in table.columns}
        if not isinstance(table.columns[name].treatment, Pseudonymize) or table.source_of(name) not in subject:
            yield (
                ("people", index),
                "is not the token of what the subject of its table is found by, so it counts nobody",
            )

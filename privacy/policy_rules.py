"""The rules of a policy that no single part can check for itself; each broken one is told with its place."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from itertools import chain

from privacy.column_rules import column_rules
from privacy.event_rules import broken_events
from privacy.incremental_rules import incremental_rules
from privacy.mart_rules import mart_rules
from privacy.policy import Policy, Table
from privacy.policy_parts import Broken
from privacy.retention_rules import ClockOf, KeepAtMost, Rule, Unlimited, Via
from privacy.source_rules import source_rules
from privacy.treat import columns_read
from privacy.treatments import Noise
from privacy.value_drift import broken_waivers

MOST_COLUMNS = 63
"""How many columns of a table can be read: misfits are marked a bit per column."""


NO_ZONES = {"localtime", "posixrules", "Factory"}
"""Names beside those of zones that stand for whatever a machine is set to: one run would not be like the next."""


def broken_rules(policy: Policy) -> Iterator[Broken]:
    """Give every rule that the policy breaks; table by table, then between tables."""
    if policy.time_zone not in zoneinfo.available_timezones() - NO_ZONES:
        yield ("time_zone",), "is not a time zone of the IANA list, such as Europe/Amsterdam"
    for name, table in policy.tables.items():
        at = ("tables", name)
        of_table = (
            _table(policy, table),
            _beside(table),
            _noise(table),
            _retention(policy, name, table),
            _derived(policy, table),
        )
        for path, message in chain(*of_table):
            yield (*at, *path), message
        for column in table.columns:
            for path, message in column_rules(policy, name, column):
                yield (*at, "columns", column, *path), message
    yield from _names(policy)
    yield from _for_rights(policy)
    yield from _circles(policy)
    yield from broken_waivers(policy)
    yield from source_rules(policy)
    yield from mart_rules(policy)
    yield from incremental_rules(policy)


def _table(policy: Policy, table: Table) -> Iterator[Broken]:
    if table.purpose not in policy.purposes:
        yield ("purpose",), "is not among the purposes; declare it there"
    for index, recipient in enumerate(table.recipients):
        if recipient not in policy.recipients:
            yield ("recipients", index), "is not among the recipients; declare it there"
    if len(columns_read(table)) > MOST_COLUMNS:
        yield ("columns",), f"has more than {MOST_COLUMNS} columns that are read; suppress those nobody needs"
    if table.primary_key not in table.columns:
        yield ("primary_key",), "is not among the columns"
    elif not table.columns[table.primary_key].extracted:
        yield ("primary_key",), "is suppressed; a key is kept or pseudonymized"
    for path, column in _columns_named(table):
        if column not in table.columns:
            yield path, f"names {column}, which is not among the columns"
    if table.subject.via:
        yield from _link(table, table.subject.via, ("subject", "via"))
    yield from _subject(table)


def _subject(table: Table) -> Iterator[Broken]:
    """Tell how a subject cannot be found: by two columns at a time, or by when its rows happened."""
    kinds: set[str] = set()
    for index, identifier in enumerate(table.subject.found_by):
        if identifier.identifies in kinds:
            yield (
                ("subject", "found_by", index),
                f"is a second column that identifies {identifier.identifies}; name one",
            )
        kinds.add(identifier.identifies)
    happened = table.subject.happened
    if happened in table.columns and table.columns[happened].type.name not in ("date", "timestamp"):
        yield ("subject", "happened"), f"{happened} is not a date or timestamp"


def _columns_named(table: Table) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, identifier in enumerate(table.subject.found_by):
        yield ("subject", "found_by", index), identifier.column
    if table.subject.happened:
        yield ("subject", "happened"), table.subject.happened
    if table.objected_when_set:
        yield ("objected_when_set",), table.objected_when_set


def _beside(table: Table) -> Iterator[Broken]:
    """Tell columns that cannot stand beside each other: by their names, or by what they read."""
    names: set[str] = set()
    types: dict[str, str] = {}
    for twice in set(table.never_extracted) & {table.source_of(name) for name in table.columns}:
        yield ("never_extracted", twice), "is treated under columns as well; it can be only one of the two"
    for name, column in table.columns.items():
        if name.startswith("_"):
            yield (
                ("columns", name),
                "begins with an underscore, as the run's own columns do; publish it by another name",
            )
        if name.lower() in names:
            yield ("columns", name), "differs from another column by capitals only; a warehouse cannot tell them apart"
        if types.setdefault(table.source_of(name), str(column.type)) != str(column.type):
            yield ("columns", name, "type"), f"differs from that of another column from {table.source_of(name)}"
        names.add(name.lower())


def _noise(table: Table) -> Iterator[Broken]:
    """Tell columns that carry the same noise, so that their difference is exact."""
    first: dict[tuple[str, str, str], str] = {}
    for name, column in table.columns.items():
        if isinstance(column.treatment, Noise):
            noise = (column.treatment.quantity, column.treatment.domain, column.treatment.by)
            if first.setdefault(noise, name) != name:
                told = f"is that of {first[noise]} too, so that both carry the same noise; name another"
                yield ("columns", name, "treatment", "quantity"), told


_NO_REASON = "says neither promise: … nor because: …; a period needs its reason"


def _retention(policy: Policy, name: str, table: Table) -> Iterator[Broken]:
    rule = table.retention
    if not (rule.promise or rule.because or isinstance(rule, Via | Unlimited)):
        yield ("retention",), _NO_REASON
    yield from _promised(policy, rule, ("retention",))
    match rule:
        case Via():
            yield from _link(table, rule.via, ("retention", "via"))
        case ClockOf():
            for index, link in enumerate(rule.clock_of):
                yield from _link(table, link, ("retention", "clock_of", index))
            if not (rule.otherwise.promise or rule.otherwise.because):
                yield ("retention", "otherwise"), _NO_REASON
            yield from _promised(policy, rule.otherwise, ("retention", "otherwise"))
            yield from broken_events(policy, name, rule.otherwise.after, ("retention", "otherwise", "after"))
        case KeepAtMost():
            yield from broken_events(policy, name, rule.after, ("retention", "after"))
        case Unlimited():
            if not rule.because:
                yield ("retention",), "has no limit and no because: …; say why nothing of a person is in it"


def _promised(policy: Policy, rule: Rule, at: tuple[str, ...]) -> Iterator[Broken]:
    if rule.promise is not None and rule.promise not in policy.promises:
        yield (*at, "promise"), "is not among the promises; declare it there"


def _link(table: Table, column: str, at: tuple[str | int, ...]) -> Iterator[Broken]:
    if column not in table.columns or not table.columns[column].references:
        yield at, f"{column} is not a column with references: …"


def _derived(policy: Policy, table: Table) -> Iterator[Broken]:
    if not table.derived:
        return
    if table.derived.source not in policy.tables:
        yield ("derived", "from"), "names a table that the policy does not have"
    if table.derived.one_row_per != table.primary_key:
        yield ("derived", "one_row_per"), "is not the primary key"


def _names(policy: Policy) -> Iterator[Broken]:
    seen: set[str] = set()
    for name, table in policy.tables.items():
        if table.publish_as.lower() in seen:
            yield ("tables", name, "publish_as"), "is the published name of another table too"
        seen.add(table.publish_as.lower())
        if name in policy.never_extracted:
            yield ("never_extracted", name), "is treated under tables as well; it can be only one of the two"


def _for_rights(policy: Policy) -> Iterator[Broken]:
    """Tell tables of requests and holds that could be read for any other purpose, and holds that could keep nothing."""
    for path, table in ((("requests", "table"), policy.requests.table), (("holds",), policy.holds)):
        if table and table.source in policy.tables:
            yield (*path, "from"), "is treated under tables as well; it is read for this purpose only"
        elif table and table.source not in policy.never_extracted:
            yield (*path, "from"), "is not under never_extracted; list it there, for it is read for this purpose only"
    for name, spec in policy.tables.items():
        if spec.while_held == "stay" and (spec.derived or spec.via):
            kept_with = "the rows that it is derived from" if spec.derived else f"the rows that {spec.via} leads to"
            yield ("tables", name, "while_held"), f"keeps nothing, for its rows leave with {kept_with}; say it there"


def _circles(policy: Policy) -> Iterator[Broken]:
    """Tell tables that refer to each other in a circle: their rows' fates could not be decided in any order."""
    led_to = {name: _led_to(policy, name) for name in policy.tables}
    for name, others in led_to.items():
        for column, spec in policy.tables[name].columns.items():
            if spec.references == name:
                told = "names its own table; state type, role and treatment of its own instead of references: …"
                yield ("tables", name, "columns", column, "references"), told
        circle = [other for other in led_to if other in others and name in led_to[other]]
        if len(circle) > 1:
            told = f"refers to itself in a circle with {', '.join(circle)}; leave out one references: …"
            yield ("tables", name), told


def _led_to(policy: Policy, name: str) -> set[str]:
    """Name the tables to which references lead from a table, however many it takes."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = {target for target in policy.targets(ahead.pop()) if target in policy.tables} - found
        found |= new
        ahead += new
    return found

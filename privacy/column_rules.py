"""The rules of a single column: what may be treated how, what must be said of it, and what it can promise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy.policy import Column, Policy, Table
from privacy.policy_parts import Broken
from privacy.promise_rules import impossible
from privacy.treatments import Custom, Pseudonymize
from privacy.treatments.base import ANY_TYPE

PASSWORD_LIKE = re.compile(
    r"pass_?(word|wd|phrase|code|hash|wort)|pas_?woord|wachtwoord|pswd|pin_?code|toegangscode|credential"
    r"|(api|private|secret|encryption)_?key|(^|_)(pass|pwd|psw|pw|secret|geheim|salt|otp|pin)(_|$)",
    re.IGNORECASE,
)
"""Names of columns that hold what nobody may read (P05): such a column can only be listed under never_extracted."""


def column_rules(policy: Policy, name: str, column_name: str) -> Iterator[Broken]:
    """Give every rule that a column breaks, by its place within the column."""
    table = policy.tables[name]
    column = table.columns[column_name]
    yield from _column(table, column_name, column)
    yield from _reference(policy, name, column)
    if column.type.name in column.treatment.accepts:
        published = column.treatment.gives(column.type, policy.time_zone)
        for index, promise in enumerate(column.promises):
            if why := impossible(promise, published):
                yield ("promises", index), why


def _column(table: Table, name: str, column: Column) -> Iterator[Broken]:
    source, treatment = column.source or name, column.treatment
    if any(PASSWORD_LIKE.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", spelling)) for spelling in (source, name)):
        yield (), "is a password by its name and cannot be treated; list it under never_extracted"
    if column.kept and not column.because:
        yield (), "is kept without a reason; add because: …, or choose another treatment"
    if column.type.name not in treatment.accepts:
        readable = ", ".join(sorted(treatment.accepts))
        yield ("treatment",), f"{treatment.kind} cannot read {column.type.name}; it reads {readable}"
    elif misfit := treatment.misfit(column.type):
        yield ("treatment",), misfit
    if isinstance(treatment, Custom) and not column.promises:
        yield (
            (),
            "is treated by a function of your own and promises nothing; add promises: …, so that the gate can check it",
        )
    if isinstance(treatment, Pseudonymize) and (treatment.form == "integer") != (column.type.name == "integer"):
        yield (
            ("treatment", "domain"),
            f"is a domain of {treatment.form} values, and this column's type is {column.type}",
        )
    needs = {**treatment.needs(), **({column.only_where_null: ANY_TYPE} if column.only_where_null else {})}
    for beside, types in needs.items():
        if beside not in table.columns:
            yield ("treatment",), f"needs the column {beside} beside it, which is not among the columns"
        elif table.columns[beside].type.name not in types:
            yield ("treatment",), f"needs the column {beside} beside it as {' or '.join(sorted(types))}"


def _reference(policy: Policy, name: str, column: Column) -> Iterator[Broken]:
    if not column.references:
        return
    target = policy.tables.get(column.references)
    if target is None:
        yield ("references",), "names a table that the policy does not have"
        return
    if target.derived and target.derived.source != name:
        yield (
            ("references",),
            f"names a derived table, to which only {target.derived.source} may refer",
        )
        return
    key = target.columns.get(target.primary_key)
    if key and (str(key.type), key.treatment) != (str(column.type), column.treatment):
        yield (
            ("treatment",),
            f"differs from that of {column.references}.{target.primary_key}, so that the two would not join",
        )

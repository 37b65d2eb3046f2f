"""What changes of a published state owe: promises of a row by the rows that come, those of a set by all rows.

Nothing here looks at all rows where those that come, and the keys that go, tell it: references are sought by the keys
of their targets, and unchanged rows are searched for what went only where something did.
"""

from __future__ import annotations

from collections.abc import Iterable

from expectations.candidate import Owed
from expectations.dialect import Dialect
from expectations.measures import alone, measure_of
from privacy.promises import MaxNullRate, NotEmpty, NothingExpired, ReferenceHolds, Unique, UniqueKey, WithinQuarantine
from stores.warehouse import Readable


def rows_asked(table: str, changes: Readable) -> str:
    """Give the rows that a table's own promises are asked of: those that come, or none where none of it is replaced."""
    return f'{changes.analytics}."{table}"' if table in changes.gone else "(select 1) as none"


def owed_by_changes(table: str, owed: Iterable[Owed], changes: Readable) -> list[Owed]:
    """Give what a table owes still: where none of its rows is replaced, what others or the calendar may have broken."""
    if table in changes.gone:
        return [*owed]
    return [one for one in owed if _of_others(one, changes)]


def _of_others(owed: Owed, changes: Readable) -> bool:
    match owed.promise:
        case NothingExpired() | WithinQuarantine():
            return True
        case ReferenceHolds(table=target):
            return target in changes.gone
        case _:
            return False


def measure_of_changes(owed: Owed, table: str, changes: Readable, sql: Dialect) -> str:
    """Give the aggregate that is 0 where the promise is kept, as `measure_of` does."""
    column, promise, whole = f'"{owed.column}"', owed.promise, changes.whole.get(table, "")
    of_rows = measure_of(owed, table, changes.analytics, sql)
    come = rows_asked(table, changes) if table in changes.gone else ""
    match promise:
        case NothingExpired(as_of=as_of):
            expired = (
                f"{column} <= date '{as_of.isoformat()}'"  # a condition, so that few rows are asked whether they leave
            )
            return alone(f"(select count(*) from {whole} as whole where {expired})")
        case NotEmpty():
            return alone(f"cast(not exists (select 1 from {whole} as whole) as integer)")
        case MaxNullRate() if come:
            return alone(f"(select {of_rows} from {whole} as whole)")
        case UniqueKey():
            times = f"(select count(*) from {whole} as whole where whole.{column} = come.{column})"
            return f"{of_rows} + {alone(f'(select count(*) filter (where {times} > 1) from {come} as come)')}"
        case Unique():
            values = f"select {column} as value, count(*) as times from {whole} as whole"
            met = f"{values} where {column} in (select {column} from {come}) group by 1"
            return alone(f"(select coalesce(sum(times), 0) from ({met}) as met where times > 1)")
        case ReferenceHolds():
            return _astray(column, promise, whole, come, changes)
        case _:
            return of_rows


def _astray(column: str, promise: ReferenceHolds, whole: str, come: str, changes: Readable) -> str:
    """Count references of rows that come to what will not be there, and those of any row to what goes."""
    counted, gone = [], changes.gone.get(promise.table)
    went = f'(select "{promise.key}" from {gone} as gone)'
    if come:
        there = f'select 1 from {changes.whole[promise.table]} as target where target."{promise.key}" = come.{column}'
        # by a filter, which the planner asks row by row: as a condition it would read all of the target
        wanting = f"come.{column} is not null and not exists ({there})"
        wanting += f" and come.{column} not in {went}" if gone else ""
        counted.append(f"(select count(*) filter (where {wanting}) from {come} as come)")
    if gone:
        left = f"(select count(*) from {whole} as whole where {column} in {went})"
        counted.append(f"(case when exists {went} then {left} else 0 end)")
    return alone(f"({' + '.join(counted)})")

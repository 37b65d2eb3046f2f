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
from stores.warehouse import ANALYTICS, Readable


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
        case UniqueKey():  # among themselves the rows that come are asked as those of a new table are
            leaves = f"exists (select 1 from {changes.leaving[table]} as leaving where leaving.key = come.{column})"
            stands_twice = f"not {leaves} and {_is_in(_published(table), column, column)}"
            return f"{of_rows} + {alone(f'(select count(*) filter (where {stands_twice}) from {come} as come)')}"
        case Unique():
            values = f"select {column} as value, count(*) as times from {whole} as whole"
            met = f"{values} where {column} in (select {column} from {come}) group by 1"
            return alone(f"(select coalesce(sum(times), 0) from ({met}) as met where times > 1)")
        case ReferenceHolds():
            return _astray(column, promise, whole, come, changes)
        case _:
            return of_rows


def _astray(column: str, promise: ReferenceHolds, whole: str, come: str, changes: Readable) -> str:
    """Count references of rows that come to what neither is there nor comes, and those of any row to what goes."""
    counted, gone, key = [], changes.gone.get(promise.table), f'"{promise.key}"'
    if come:
        # by a filter, which the planner asks row by row: as a condition it would read all of the target
        wanting = f"come.{column} is not null and not {_is_in(_published(promise.table), key, column)}"
        wanting += f" and not {_is_in(rows_asked(promise.table, changes), key, column)}" if gone else ""
        counted.append(f"(select count(*) filter (where {wanting}) from {come} as come)")
    if gone:
        went = f"(select {key} from {gone} as gone)"
        left = f"(select count(*) from {whole} as whole where {column} in {went})"
        counted.append(f"(case when exists {went} then {left} else 0 end)")
    return alone(f"({' + '.join(counted)})")


def _published(table: str) -> str:
    """Give the rows of a table as they are before the changes."""
    return f'{ANALYTICS}."{table}"'


def _is_in(rows: str, key: str, column: str) -> str:
    """Say that what a row that comes holds in a column is a key of some rows."""
    return f"exists (select 1 from {rows} as target where target.{key} = come.{column})"

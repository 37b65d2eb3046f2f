"""What a PostgreSQL warehouse will be next, in schemas of its own: how it is sealed, read by the gate and published."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.evidence import RunRecord
from stores.postgresql_connection import options
from stores.warehouse import ANALYTICS, MARTS, Readable, Seal
from stores.warehouse.postgresql_layout import CANDIDATE_RUN, META, RUN, STAGED, WRITER
from stores.warehouse.postgresql_lock import loader
from stores.warehouse.postgresql_marts import PostgreSQLMarts
from stores.warehouse.postgresql_rights import MADE_ANEW, PUBLISHED, let_read, prepare, refuse_what_is_of_others
from stores.warehouse.postgresql_session import SETTINGS, Session
from stores.warehouse.postgresql_tables import tables_in
from stores.warehouse.postgresql_trouble import PostgreSQLError
from stores.warehouse.run_row import run_row

TRIES = 60
WAIT, PAUSE = "1s", 2.0
"""Readers are never kept waiting for longer than WAIT by a publish that waits for a reader; then they have a PAUSE."""

BUSY = ("55P03", "57014")
"""SQLSTATEs: a lock was not given in time; a statement took too long."""

RUN_COLUMNS = """\
run_id text not null, policy_version text not null, policy_digest text not null, as_of date not null,
key_fingerprint text not null, status text not null, kind text not null, ledger_id text not null,
receipts bigint not null, head text not null, index_epoch integer not null, read_at timestamptz not null,
sealed_at timestamptz not null default now()"""


class NewState:
    """A candidate in its schemas; `holding` is the session that holds the warehouse."""

    def __init__(self, url: sa.URL, holding: Session) -> None:
        self.warnings: list[str] = []
        self._url, self._holding = url, holding
        self._loaders, self._idle = ExitStack(), list[Session]()
        prepare(holding)

    @property
    def marts(self) -> PostgreSQLMarts:
        """Give the candidate's marts."""
        return PostgreSQLMarts(self._holding)

    def seal(self, record: RunRecord, seal: Seal) -> None:
        """End writing: note the run."""
        self._end_loading()
        says = run_row(record, seal)
        values = ", ".join(["%s"] * len(says))
        with self._holding.transaction():
            self._holding.execute(f"create table {CANDIDATE_RUN} ({RUN_COLUMNS})")
            self._holding.execute(
                f"insert into {CANDIDATE_RUN} ({', '.join(says)}) values ({values})", [*says.values()]
            )

    def readable(self) -> Readable:
        """Say where the gate reads the sealed candidate, and can change nothing."""
        read_only = options(self._url, {**SETTINGS, "role": WRITER, "default_transaction_read_only": "on"})
        url = self._url.set(drivername="postgresql+psycopg").update_query_dict({"options": read_only})
        return Readable(url, STAGED[ANALYTICS], STAGED[MARTS])

    def publish(self) -> None:
        """Move all tables where analysts read, at once; StoreError if readers let nobody in for minutes."""
        for _ in range(TRIES):
            try:
                return self._publish()
            except PostgreSQLError as error:
                if error.state not in BUSY:
                    raise
            time.sleep(PAUSE * random.uniform(0.5, 1.5))
        raise StoreError(
            "warehouse: somebody has been reading a published table for minutes without an end. Nothing was "
            "published.\n  End that query or transaction (pg_stat_activity shows it), and run again."
        )

    def close(self) -> None:
        """Leave nothing of the candidate; harmless when it was published, or the connection is gone."""
        self._end_loading()
        with contextlib.suppress(StoreError):  # what is left then, the next run removes
            self._holding.execute(f"drop schema if exists {', '.join(MADE_ANEW)} cascade")
            self._holding.execute(f"drop table if exists {CANDIDATE_RUN}")

    def _publish(self) -> None:
        session = self._holding
        with session.transaction():
            if old := tables_in(session, *PUBLISHED):
                session.execute(f"set local statement_timeout = '{WAIT}'")
                session.execute(f"lock table {', '.join(old)} in access exclusive mode")
                session.execute("set local statement_timeout = 0")
            refuse_what_is_of_others(session)
            if gone := [table for table in old if table != CANDIDATE_RUN]:
                session.execute(f"drop table {', '.join(gone)}")
            for published, staged in STAGED.items():
                for table in tables_in(session, staged):
                    session.execute(f"alter table {table} set schema {published}")
            self._name_run(session)
            let_read(session)

    def _name_run(self, session: Session) -> None:
        """Let the row on the candidate's run be the one on the run that was published."""
        session.execute(f"alter table {CANDIDATE_RUN} rename to {RUN.removeprefix(f'{META}.')}")

    @contextmanager
    def _loader(self) -> Iterator[Session]:
        """Give a session of its own, so that tables can be staged at one time; one that failed is not given again."""
        session = self._idle.pop() if self._idle else self._loaders.enter_context(loader(self._url, self._holding))
        yield session
        self._idle.append(session)

    def _end_loading(self) -> None:
        self._idle.clear()
        self._loaders.close()

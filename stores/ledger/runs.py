"""Runs in the ledger, and the watermarks that they move."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa

from privacy.evidence import PublishedRun, RunRecord
from stores.ledger.access import reading, writing
from stores.ledger.schema import RUN, WATERMARK


class Runs:
    """What is known of runs: names, counts and hashes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, run_id: str, kind: str, actor: str, now: datetime.datetime) -> None:
        """Open a run; runs still marked running were killed, for the lock is ours now."""
        with writing(self._engine) as connection:
            killed = RUN.c.state.in_(["running", "sealed"])
            connection.execute(sa.update(RUN).where(killed).values(state="abandoned", ended_at=now))
            number = connection.execute(sa.select(sa.func.coalesce(sa.func.max(RUN.c.number), 0) + 1)).scalar_one()
            begun = {"run_id": run_id, "number": number, "kind": kind, "actor": actor, "started_at": now}
            connection.execute(sa.insert(RUN).values(**begun, state="running"))

    def seal(self, record: RunRecord) -> None:
        """Note what is about to be published, so that a run killed right after it can be finished."""
        with writing(self._engine) as connection:
            sealed = _values(record) | {"state": "sealed"}
            connection.execute(sa.update(RUN).where(RUN.c.run_id == record.run_id).values(sealed))

    def end(self, record: RunRecord, state: str, read_at: datetime.datetime, now: datetime.datetime) -> None:
        """Close a run with its record; watermarks move only with a publish."""
        rows = [
            {"table_name": name, "run_id": record.run_id, "read_at": read_at, "rows": counts.source_rows}
            for name, counts in record.tables.items()
        ]
        with writing(self._engine) as connection:
            ended = _values(record) | {"ended_at": now, "state": state}
            connection.execute(sa.update(RUN).where(RUN.c.run_id == record.run_id).values(ended))
            if state == "published" and rows:
                connection.execute(sa.delete(WATERMARK))
                connection.execute(sa.insert(WATERMARK), rows)

    def heal(self, run_id: str, now: datetime.datetime) -> None:
        """Close a run that was killed between its publish and its end."""
        with writing(self._engine) as connection:
            connection.execute(sa.update(RUN).where(RUN.c.run_id == run_id).values(state="published", ended_at=now))

    def state_of(self, run_id: str) -> str | None:
        """Give the state of a run, None where it is not known."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(RUN.c.state).where(RUN.c.run_id == run_id)).scalar()

    def record_of(self, run_id: str) -> dict[str, Any]:
        """Give what a run has noted of itself, as `RunRecord.to_keep` gave it."""
        with reading(self._engine) as connection:
            record: dict[str, Any] = connection.execute(
                sa.select(RUN.c.record).where(RUN.c.run_id == run_id)
            ).scalar_one()
        return record

    def last_published(self, kind: str | None = None) -> PublishedRun | None:
        """Give the run that was published last, of one kind or of any."""
        return next(iter(self.recent(kind, 1)), None)

    def recent(self, kind: str | None, most: int) -> list[PublishedRun]:
        """Give the runs that were published last, of one kind or of any; the newest first."""
        columns = [RUN.c[field.name] for field in dataclasses.fields(PublishedRun)]
        of_kind = sa.true() if kind is None else RUN.c.kind == kind
        query = sa.select(*columns).where(RUN.c.state == "published", of_kind).order_by(RUN.c.number.desc())
        with reading(self._engine) as connection:
            return [PublishedRun(**found) for found in connection.execute(query.limit(most)).mappings()]

    def last_rows(self) -> dict[str, int]:
        """Give how many rows the last published run read for each published table."""
        with reading(self._engine) as connection:
            return dict(connection.execute(sa.select(WATERMARK.c.table_name, WATERMARK.c.rows)).tuples().all())


def _values(record: RunRecord) -> dict[str, Any]:
    return {
        "as_of": record.as_of,
        "policy_version": record.policy_version,
        "policy_digest": record.policy_digest,
        "key_fingerprint": record.key_fingerprint,
        "record": record.to_keep(),
    }

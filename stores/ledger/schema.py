"""The ledger's tables: what must stay true of runs and people although their data are gone. Never a raw value.

docs/ledger.md shows them; a change here needs a migration in stores/ledger/migrations/versions.
"""

from __future__ import annotations

import datetime

import sqlalchemy as sa

METADATA = sa.MetaData()


class Moment(sa.types.TypeDecorator[datetime.datetime]):
    """An aware moment, kept and given in UTC by every database, also by those that keep no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: sa.engine.Dialect
    ) -> datetime.datetime | None:
        return value and value.astimezone(datetime.UTC)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: sa.engine.Dialect
    ) -> datetime.datetime | None:
        return value and (
            value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)
        )


IDENTITY = sa.Table(
    "identity",
    METADATA,
    sa.Column("ledger_id", sa.String, primary_key=True, doc="random; a warehouse names the ledger it belongs to"),
)

RUN = sa.Table(
    "run",
    METADATA,
    sa.Column("run_id", sa.String, primary_key=True, doc="time and chance; the warehouse names the run it is of"),
    sa.Column("number", sa.Integer, nullable=False, server_default="0", doc="1, 2, 3, … in the order of their begin"),
    sa.Column("kind", sa.String, nullable=False, server_default="refresh", doc="refresh, erasure, retention, replay"),
    sa.Column("actor", sa.String, nullable=False, doc="who ran it, as far as the operating system knows"),
    sa.Column("started_at", Moment, nullable=False, doc="when it began"),
    sa.Column("ended_at", Moment, doc="when it ended; empty while it runs"),
    sa.Column(
        "state",
        sa.String,
        nullable=False,
        doc="running, sealed (about to be published), published, refused (by a gate), failed, abandoned (killed)",
    ),
    sa.Column("as_of", sa.Date, doc="the day by which its retention clocks ran"),
    sa.Column("policy_version", sa.String, doc="the policy's own version"),
    sa.Column("policy_digest", sa.String, doc="SHA-256 of the policy"),
    sa.Column("key_fingerprint", sa.String, doc="which keys made its tokens"),
    sa.Column("record", sa.JSON, doc="the run record: names, counts, hashes"),
)

LOCK = sa.Table(
    "lock",
    METADATA,
    sa.Column("run_id", sa.String, primary_key=True, doc="the run that changes the warehouse, or a plan being made"),
    sa.Column("actor", sa.String, nullable=False, doc="who runs it"),
    sa.Column("host", sa.String, nullable=False, doc="the machine or container it runs on"),
    sa.Column("process", sa.Integer, nullable=False, doc="its number there"),
    sa.Column("taken_at", Moment, nullable=False, doc="since when"),
    sa.Column("heard_at", Moment, nullable=False, doc="its last sign of life, by its own clock; nothing goes by it"),
)

WATERMARK = sa.Table(
    "watermark",
    METADATA,
    sa.Column("table_name", sa.String, primary_key=True, doc="published name"),
    sa.Column("run_id", sa.String, nullable=False, doc="the run that published it last"),
    sa.Column("read_at", Moment, nullable=False, doc="time of the source snapshot"),
    sa.Column("rows", sa.Integer, nullable=False, doc="rows that its source had"),
)

REQUEST = sa.Table(
    "request",
    METADATA,
    sa.Column("request_id", sa.String, primary_key=True, doc="random"),
    sa.Column("reference", sa.String, nullable=False, unique=True, doc="by which the officer knows it"),
    sa.Column("right", sa.String, nullable=False, doc="erasure, restriction, objection, access, …"),
    sa.Column("origin", sa.String, nullable=False, doc="source (the shop's own table) or command"),
    sa.Column("actor", sa.String, nullable=False, doc="who registered it"),
    sa.Column("received_at", Moment, nullable=False, doc="when the person asked"),
    sa.Column("due_on", sa.Date, nullable=False, doc="the last day to answer"),
    sa.Column("registered_at", Moment, nullable=False, doc="when the ledger learnt of it"),
    sa.Column(
        "state",
        sa.String,
        nullable=False,
        doc="registered, decided (suppressions stand), applied (published), lifted, refused, noted, answered",
    ),
    sa.Column("subjects", sa.Integer, nullable=False, doc="how many people it names"),
    sa.Column("closed", sa.Boolean, nullable=False, doc="whether the source was searched for further identifiers"),
    sa.Column("decided_at", Moment, doc="when its suppressions began"),
    sa.Column("applied_at", Moment, doc="when the warehouse was published without its rows"),
    sa.Column("run_id", sa.String, doc="the run that applied it"),
    sa.Column("receipt_id", sa.String, doc="emptied when the tombstones have expired"),
)

IDENTIFIER = sa.Table(
    "identifier",
    METADATA,
    sa.Column(
        "request_id",
        sa.String,
        sa.ForeignKey("request.request_id", ondelete="cascade"),
        primary_key=True,
        doc="the request that names the person",
    ),
    sa.Column("subject", sa.Integer, primary_key=True, doc="which of the people that the request names"),
    sa.Column("identifies", sa.String, primary_key=True, doc="customer or email"),
    sa.Column("epoch", sa.Integer, primary_key=True, doc="of the root tombstones"),
    sa.Column("mac", sa.String(32), primary_key=True, doc="keyed; 32 hexadecimal digits"),
    sa.Column("found_in", sa.String, nullable=False, doc="request, warehouse or source"),
)

SUPPRESSION = sa.Table(
    "suppression",
    METADATA,
    sa.Column("reference", sa.String(36), primary_key=True, doc="random; the generation of those who come back"),
    sa.Column("identifies", sa.String, primary_key=True, doc="customer or email"),
    sa.Column("epoch", sa.Integer, primary_key=True, doc="of the root tombstones"),
    sa.Column("mac", sa.String(32), primary_key=True, doc="keyed; 32 hexadecimal digits"),
    sa.Column("kind", sa.String, nullable=False, doc="erased (a tombstone), restricted, objected"),
    sa.Column("request_id", sa.String, doc="emptied when the request is forgotten"),
    sa.Column("since", Moment, nullable=False, doc="erased: rows of no later business time are held back"),
    sa.Column("seen_on", sa.Date, doc="the last day on which a full scan of the source found a match"),
    sa.Column("lifted_at", Moment, doc="when a restriction or objection ended"),
)

HORIZON = sa.Table(
    "horizon",
    METADATA,
    sa.Column("erased_at", Moment, primary_key=True, doc="latest erasure whose tombstone has expired"),
)

HOLD = sa.Table(
    "hold",
    METADATA,
    sa.Column("hold_id", sa.String, primary_key=True, doc="random"),
    sa.Column("matter", sa.String, nullable=False, doc="the procedure that needs the record"),
    sa.Column("table_name", sa.String, nullable=False, doc="source name"),
    sa.Column("epoch", sa.Integer, nullable=False, doc="of the root tombstones"),
    sa.Column("mac", sa.String(32), nullable=False, doc="of the record's key; keyed, 32 hexadecimal digits"),
    sa.Column("origin", sa.String, nullable=False, doc="source (the shop's own table) or command"),
    sa.Column("actor", sa.String, nullable=False, doc="who placed it"),
    sa.Column("placed_at", Moment, nullable=False, doc="when the ledger learnt of it"),
    sa.Column("held_from", sa.Date, nullable=False, doc="first day"),
    sa.Column("held_until", sa.Date, doc="the last day; empty: until released"),
    sa.Column("released_at", Moment, doc="when it was released before that day"),
)

PLAN = sa.Table(
    "plan",
    METADATA,
    sa.Column("plan_hash", sa.String(64), primary_key=True, doc="SHA-256 of all that decides the outcome"),
    sa.Column("kind", sa.String, nullable=False, doc="erasure or source_deletion"),
    sa.Column("made_at", Moment, nullable=False, doc="when it was made"),
    sa.Column("actor", sa.String, nullable=False, doc="who made it, and so cannot approve it"),
    sa.Column("scope", sa.JSON, nullable=False, doc="what was planned: ids, counts, days"),
    sa.Column("applied_at", Moment, doc="when it was carried out"),
)

APPROVAL = sa.Table(
    "approval",
    METADATA,
    sa.Column("plan_hash", sa.String(64), primary_key=True, doc="the plan"),
    sa.Column("actor", sa.String, primary_key=True, doc="who approved it"),
    sa.Column(
        "basis",
        sa.String,
        nullable=False,
        doc="how the actor is known: operating_system, stated, or in a form, to whose worker",
    ),
    sa.Column("at", Moment, nullable=False, doc="when"),
)

RECEIPT = sa.Table(
    "receipt",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, doc="1, 2, 3, …"),
    sa.Column("receipt_id", sa.String, nullable=False, unique=True, doc="random"),
    sa.Column("body", sa.Text, nullable=False, doc="canonical JSON: counts and hashes"),
    sa.Column("previous", sa.String, nullable=False, doc="hash of the receipt before; empty for the first"),
    sa.Column("hash", sa.String(64), nullable=False, doc="SHA-256 of the hash before and the body"),
    sa.Column("signature", sa.String, nullable=False, doc="Ed25519, hexadecimal"),
    sa.Column("epoch", sa.Integer, nullable=False, doc="of the root receipts"),
)

FROZEN = sa.Table(
    "frozen",
    METADATA,
    sa.Column("mart", sa.String, primary_key=True, doc="name of the mart"),
    sa.Column("month", sa.Date, primary_key=True, doc="first day of a closed month"),
    sa.Column("cell", sa.String, primary_key=True, doc="canonical JSON: what the figures are of"),
    sa.Column("figures", sa.Text, nullable=False, doc="canonical JSON; anonymous statistics"),
    sa.Column("run_id", sa.String, nullable=False, doc="the run that froze it"),
    sa.Column("frozen_at", Moment, nullable=False, doc="when"),
)

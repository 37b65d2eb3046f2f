"""Rights and clocks: requests, suppressions, holds, plans, approvals, receipts, frozen figures; kinds of run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("run", sa.Column("kind", sa.String, nullable=False, server_default="refresh"))
    op.create_table("identity", sa.Column("ledger_id", sa.String, primary_key=True))
    _requests()
    _suppressions()
    _decisions()
    _evidence()


def _requests() -> None:
    op.create_table(
        "request",
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("reference", sa.String, nullable=False, unique=True),
        sa.Column("right", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("subjects", sa.Integer, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("applied_at", MOMENT),
        sa.Column("run_id", sa.String),
        sa.Column("receipt_id", sa.String),
    )
    op.create_table(
        "identifier",
        sa.Column("request_id", sa.String, sa.ForeignKey("request.request_id", ondelete="cascade"), primary_key=True),
        sa.Column("subject", sa.Integer, primary_key=True),
        sa.Column("identifies", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True),
        sa.Column("mac", sa.String(32), primary_key=True),
        sa.Column("found_in", sa.String, nullable=False),
    )


def _suppressions() -> None:
    op.create_table(
        "suppression",
        sa.Column("reference", sa.String(36), primary_key=True),
        sa.Column("identifies", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True),
        sa.Column("mac", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("request_id", sa.String),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("seen_on", sa.Date),
        sa.Column("lifted_at", MOMENT),
    )
    op.create_table("horizon", sa.Column("erased_at", MOMENT, primary_key=True))
    op.create_table(
        "hold",
        sa.Column("hold_id", sa.String, primary_key=True),
        sa.Column("matter", sa.String, nullable=False),
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("mac", sa.String(32), nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.Column("held_from", sa.Date, nullable=False),
        sa.Column("held_until", sa.Date),
        sa.Column("released_at", MOMENT),
    )


def _decisions() -> None:
    op.create_table(
        "plan",
        sa.Column("plan_hash", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("applied_at", MOMENT),
    )
    op.create_table(
        "approval",
        sa.Column("plan_hash", sa.String(64), primary_key=True),
        sa.Column("actor", sa.String, primary_key=True),
        sa.Column("basis", sa.String, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def _evidence() -> None:
    op.create_table(
        "receipt",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("receipt_id", sa.String, nullable=False, unique=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("signature", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
    )
    op.create_table(
        "frozen",
        sa.Column("mart", sa.String, primary_key=True),
        sa.Column("month", sa.Date, primary_key=True),
        sa.Column("cell", sa.String, primary_key=True),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("frozen_at", MOMENT, nullable=False),
    )

"""Runs and watermarks: what ledgers held before there were migrations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "run",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("as_of", sa.Date),
        sa.Column("policy_version", sa.String),
        sa.Column("policy_digest", sa.String),
        sa.Column("key_fingerprint", sa.String),
        sa.Column("record", sa.JSON),
    )
    op.create_table(
        "watermark",
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
    )

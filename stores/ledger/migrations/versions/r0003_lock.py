"""The lock: which run changes the warehouse now, and whose it is; runs in an order that no clock can turn round."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("run", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        "update run set number = (select count(*) from run as earlier where earlier.started_at < run.started_at "
        "or (earlier.started_at = run.started_at and earlier.run_id <= run.run_id))"
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "lock",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.Column("heard_at", moment, nullable=False),
    )

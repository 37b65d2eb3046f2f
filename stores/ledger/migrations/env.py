"""Alembic's entry: migrate the ledger behind the connection that `stores.ledger.opening` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

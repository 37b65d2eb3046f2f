"""Alembic's entry: migrate the ledger behind the connection that `stores.ledger.opening` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

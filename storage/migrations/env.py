"""Alembic's entry: one transaction a revision, on the engine that `storage.migrate` hands over."""

from alembic import context

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()

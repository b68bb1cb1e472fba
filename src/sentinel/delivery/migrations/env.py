"""What Alembic runs: the steps, on the connection that the outbox hands it."""

from alembic import context

from sentinel.delivery.tables import VERSIONS

context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS.name)
with context.begin_transaction():
    context.run_migrations()

"""What Alembic runs: a program's steps, on the connection that the database hands it."""

from alembic import context

handed = context.config.attributes
context.configure(connection=handed["connection"], version_table=handed["version_table"])
with context.begin_transaction():
    context.run_migrations()

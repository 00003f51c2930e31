"""Alembic's entry: run the pending migrations on the connection that the store hands over.

They go upward only: ``Database`` keeps a copy of a SQLite file from before each upgrade.
"""

from alembic import context

from core.jobs.records import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

"""Alembic's entry: run the pending migrations on the connection that the store hands over."""

from alembic import context

from core.jobs.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()

"""The history of the run store's schema, applied by alembic when the store is opened."""

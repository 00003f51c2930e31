"""What whoever runs an installation needs: checks of the set-up, backup and restore."""

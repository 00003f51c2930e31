"""What was asked, what is running, what came out: specs, store, queue, worker, launchers."""

"""Work outside the web process: one table, one queue, one worker, one child process a job."""

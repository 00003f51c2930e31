"""A trained network used again: the job that says where it looked."""

"""Live answers: the process that holds networks, and how pages ask it."""

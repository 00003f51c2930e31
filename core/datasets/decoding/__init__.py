"""From the bytes of one picture to what people see, and what is noted about it."""

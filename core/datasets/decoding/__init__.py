"""From the bytes of one image to what people see, and what is noted about it."""

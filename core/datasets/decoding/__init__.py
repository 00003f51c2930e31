"""From the bytes of an image to the pixels that people see, and the facts kept about it."""

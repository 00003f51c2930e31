"""A network as data, and the Keras network that is made of it."""

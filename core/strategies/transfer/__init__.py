"""Transfer strategies: a backbone and a mode, how far it is trained."""

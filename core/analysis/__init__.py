"""From stored results and predictions to numbers: what is better, by how much, is it luck."""

"""From stored predictions to metrics, tables and charts."""

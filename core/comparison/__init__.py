"""From stored runs to what people read: metrics, tables, charts, downloads."""

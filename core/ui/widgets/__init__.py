"""What several pages draw: charts with their tables, images, forms, glossary."""

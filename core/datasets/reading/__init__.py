"""Tell layouts apart: what a folder, a zip or a file holds, and which label each image has."""

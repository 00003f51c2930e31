"""Files that machines share: one port, a folder or object storage behind it, a cache on each."""

"""People, their addresses and tags, and imports."""

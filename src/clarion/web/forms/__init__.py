"""Forms: what people type, parsed. The rules are in the packages."""

"""Entry points for providers and for the links in messages."""

"""Outgoing webhooks: telling other programs what happens."""

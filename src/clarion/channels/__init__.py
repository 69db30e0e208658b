"""Channels: configured sending accounts, and the kinds they are of."""

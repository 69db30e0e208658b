"""Messenger: a Facebook page that answers people, over Meta's Send API."""

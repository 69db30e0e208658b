"""Bulk actions: one change to many contacts, done by a worker in steps."""

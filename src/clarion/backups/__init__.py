"""Backups of a whole installation: one file with database, uploads and secret key."""

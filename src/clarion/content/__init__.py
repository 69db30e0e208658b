"""Texts and their rendering."""

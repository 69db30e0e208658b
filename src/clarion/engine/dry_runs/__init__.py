"""Dry runs: a broadcast rendered for every recipient before anything is sent (F8)."""

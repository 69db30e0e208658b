"""Entry point for programs: the JSON API, version 1."""

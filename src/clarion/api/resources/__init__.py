"""The operations, a module for each area."""

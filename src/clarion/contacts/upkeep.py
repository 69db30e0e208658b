"""What a worker deletes of contacts from time to time."""

from clarion.contacts import import_undo, merges


def forget_old() -> None:
    """Delete what was kept of merges and imports that can't be undone any more."""
    merges.forget_old()
    import_undo.forget_old()

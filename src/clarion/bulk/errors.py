"""What can't be done in bulk."""


class BulkError(ValueError):
    """A bulk action can't be started or changed like this: a sentence that says what to do."""

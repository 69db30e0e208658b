"""What can be wrong with a text."""


class ContentError(ValueError):
    """A text can't be used, or not for this person: one sentence that says what to do."""

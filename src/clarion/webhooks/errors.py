"""Why something can't be done with a webhook endpoint."""


class EndpointError(ValueError):
    """The text says what to do instead. ``field``: what it is about, "" for the whole."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field

"""Why something can't be done with a channel."""

from collections.abc import Sequence


class ChannelError(ValueError):
    """What an agent asked for can't be done; the text says what to do instead.

    ``for_all``: the same for those who may not know a server's address, where the text names it.
    ``field``: what it is about, of name, kind, rate, attempts and backoff.
    """

    def __init__(self, sentence: str, for_all: str = "", *, field: str = "") -> None:
        super().__init__(sentence)
        self.for_all = for_all or sentence
        self.field = field


class SettingsError(ChannelError):
    """Settings that do not fit. ``fields`` has one sentence per wrong setting ("" for all)."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(
            " ".join(f"{name}: {text}" if name else text for name, text in fields.items())
        )
        self.fields = fields


class NotConfirmed(ChannelError):  # noqa: N818 - the name is the fact
    """A setting is turned on that has to be confirmed first. ``questions``: a sentence each."""

    def __init__(self, questions: Sequence[str]) -> None:
        super().__init__(" ".join([*questions, "Confirm it."]))
        self.questions = tuple(questions)


class UnknownKind(ChannelError):  # noqa: N818 - the name is the fact
    """There is no such kind."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, field="kind")

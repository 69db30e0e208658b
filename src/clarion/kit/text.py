"""Small helpers for text that comes from outside."""


def clean(text: str, limit: int) -> str:
    """Text fit for both databases: no NUL (PostgreSQL stores none), no lone surrogates, bounded.

    ``limit`` is in characters; a longer text ends in an ellipsis.
    """
    tidy = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return tidy if len(tidy) <= limit else tidy[: limit - 1] + "…"

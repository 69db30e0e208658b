"""Numbers that come from outside and may be ids in the database."""

BIGGEST = 2**63 - 1  # the largest whole number that a column of either database holds
_LONGEST = len(str(BIGGEST))


def is_id(number: int) -> bool:
    """Whether a row may have this id."""
    return 0 < number <= BIGGEST


def parse_id(text: str) -> int | None:
    """The id that a text of ASCII digits names; None for any other text.

    Also None for a number that no row can have, so that no query is asked for it.
    """
    return parse_count(text) or None


def parse_count(text: str) -> int | None:
    """The whole number from 0 to BIGGEST that a text of ASCII digits names, else None."""
    stripped = text.strip()
    digits = stripped.lstrip("0")
    if not (stripped.isascii() and stripped.isdigit() and len(digits) <= _LONGEST):
        return None
    number = int(digits or "0")
    return number if number <= BIGGEST else None

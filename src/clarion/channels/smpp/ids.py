"""Message ids, which answers and receipts may write in different ways."""

import re
from typing import Literal

IdForm = Literal["same", "hex", "decimal"]  # what the text of a receipt is in
_HEX = re.compile(r"[0-9a-fA-F]{1,64}")


def answered_id(text: str, form: IdForm) -> str:
    """The id in the answer to a message, as it is kept; "" for none.

    Optional parameters of receipts (receipted_message_id) have the same form (SMPP 3.4, 5.3.2.12).
    """
    return (
        _number(text, 16)
        if form == "decimal"
        else _number(text, 10)
        if form == "hex"
        else _as(text)
    )


def receipted_id(text: str, form: IdForm) -> str:
    """The id in the text of a receipt, as it is kept; "" for none."""
    return (
        _number(text, 10)
        if form == "decimal"
        else _number(text, 16)
        if form == "hex"
        else _as(text)
    )


def _number(text: str, base: int) -> str:
    """The number that is meant; an id that is none, as it is written."""
    value = text.strip()
    is_number = value.isascii() and value.isdigit() if base == 10 else _HEX.fullmatch(value)
    return str(int(value, base)) if value and is_number and len(value) <= 64 else _as(value)


def _as(text: str) -> str:
    """An id without what some write and others leave out: zeros in front, and capital letters."""
    value = text.strip().lower()
    return value.lstrip("0") or value[-1:] if _HEX.fullmatch(value) else value

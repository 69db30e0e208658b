"""One broadcast for each form, however often the form is sent.

A page has a token of its own. The first request with it creates a broadcast, and the database lets
no second one have the same token: whoever sends the form twice finds what the first one made.
"""

from typing import Any

from clarion.broadcasts.models import Broadcast

TOKEN_LENGTH = 40  # characters


def create_once(form_token: str, **fields: Any) -> tuple[Broadcast, bool]:
    """Create a broadcast, or find the one that was made with this token; whether it is new.

    An empty token is that of no form: a new one each time. Of parallel calls the later ones wait
    until the first has committed. To be called in a transaction.
    """
    token = form_token[:TOKEN_LENGTH]
    if not token:
        return Broadcast.objects.create(**fields), True
    return Broadcast.objects.get_or_create(form_token=token, defaults=fields)


def made_by(form_token: str) -> Broadcast | None:
    """The broadcast that was made with this token, if there is one."""
    token = form_token[:TOKEN_LENGTH]
    return Broadcast.objects.filter(form_token=token).first() if token else None

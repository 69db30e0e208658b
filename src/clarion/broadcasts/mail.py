"""What an e-mail has beside its subject and text: preheader, sender's name, reply-to.

Each is a template, as the title is. Only channels whose kind sends e-mail (``Limits.mail``) use
them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.channels.mailing.mailboxes import mailbox
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.content.mail.bodies import FORMATS, TEXT
from clarion.kit.text import one_line, plain_text

# How the sentence of what is wrong with each begins.
MAIL_FIELDS: Final = {
    "preheader": "Preheader: ",
    "from_name": "Sender's name: ",
    "reply_to": "Reply-to: ",
}
# format, one of content.mail.bodies.FORMATS; layout, see content.mail.layouts.chosen_source; and
# the text for who shows no HTML, in the place of the one that is made of it.
BODY_FIELDS: Final = ("format", "layout", "plain_text")
LONGEST: Final = 500  # characters of each, as it is written
_VARIABLE: Final = "{"


def stored_mail(values: Mapping[str, Any]) -> dict[str, str]:
    """The fields as they are stored. Raises LaunchError for what no draft can hold."""
    if unknown := sorted(set(values) - set(MAIL_FIELDS) - set(BODY_FIELDS)):
        raise LaunchError(f"An e-mail has no “{unknown[0]}”. Leave it out.")
    stored = {
        name: plain_text(str(value)) if name == "plain_text" else one_line(str(value))
        for name, value in values.items()
    }
    for name in MAIL_FIELDS:
        if len(stored.get(name, "")) > LONGEST:
            raise LaunchError(
                f"{MAIL_FIELDS[name]}it has more than {LONGEST} characters. Shorten it."
            )
    if stored.get("format", "") not in {"", *FORMATS}:
        raise LaunchError(f"The format is one of: {', '.join(FORMATS)}. Choose one of them.")
    if stored.get("format") == TEXT:
        stored["format"] = ""
    return stored


def merged_mail(before: Mapping[str, str], edited: Mapping[str, str]) -> dict[str, str]:
    """The fields after an edit: what is left out stays, what is empty is removed."""
    merged = {**before, **edited}
    return {name: merged[name] for name in (*MAIL_FIELDS, *BODY_FIELDS) if merged.get(name)}


def sends_mail(channels: Iterable[Channel]) -> bool:
    """Whether one of the channels sends e-mail."""
    return any(kind_class(channel.kind).limits.mail for channel in channels)


def mail_sources(broadcast: Broadcast, channels: Sequence[Channel]) -> dict[str, str]:
    """The templates that recipients on these channels see, by field."""
    if not broadcast.mail or not sends_mail(channels):
        return {}
    return {name: broadcast.mail[name] for name in MAIL_FIELDS if broadcast.mail.get(name)}


def reply_to_problem(source: str) -> str:
    """Why a reply-to without variables can't be used; empty where it can, or has variables."""
    if not source or _VARIABLE in source:
        return ""
    try:
        mailbox(source)
    except ValueError as error:
        return str(error)
    return ""

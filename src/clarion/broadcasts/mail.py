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
from clarion.content import media
from clarion.content.errors import ContentError
from clarion.kit.text import one_line, plain_text

# How the sentence of what is wrong with each begins.
MAIL_FIELDS: Final = {
    "preheader": "Preheader: ",
    "from_name": "Sender's name: ",
    "reply_to": "Reply-to: ",
}
# The layout, see content.mail.layouts.chosen_source; and the text for who shows no HTML, in the
# place of the one that is made of it.
BODY_FIELDS: Final = ("layout", "plain_text")
# images: INLINE, or empty for those that mail programs fetch; attachments: tokens of uploads.
FILE_FIELDS: Final = ("images", "attachments")
INLINE, HOSTED = "inline", "hosted"
MOST_ATTACHMENTS: Final = 20
LONGEST: Final = 500  # characters of each, as it is written
_VARIABLE: Final = "{"


def stored_mail(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored. Raises LaunchError for what no draft can hold."""
    if unknown := sorted(set(values) - set(MAIL_FIELDS) - set(BODY_FIELDS) - set(FILE_FIELDS)):
        raise LaunchError(f"An e-mail has no “{unknown[0]}”. Leave it out.")
    stored: dict[str, Any] = {
        name: plain_text(str(value)) if name == "plain_text" else one_line(str(value))
        for name, value in values.items()
        if name != "attachments"
    }
    for name in MAIL_FIELDS:
        if len(stored.get(name, "")) > LONGEST:
            raise LaunchError(
                f"{MAIL_FIELDS[name]}it has more than {LONGEST} characters. Shorten it."
            )
    if stored.get("images", "") not in {"", HOSTED, INLINE}:
        raise LaunchError(f"Images are {HOSTED} or {INLINE}. Choose one of the two.")
    if stored.get("images") == HOSTED:
        stored["images"] = ""
    if "attachments" in values:
        stored["attachments"] = _stored_attachments(values["attachments"])
    return stored


def _stored_attachments(tokens: Iterable[Any]) -> list[str]:
    unique = list(dict.fromkeys(str(token) for token in tokens))
    if len(unique) > MOST_ATTACHMENTS:
        raise LaunchError(f"An e-mail has at most {MOST_ATTACHMENTS} attachments. Remove some.")
    try:
        for token in unique:
            media.find(token)
    except ContentError as error:
        raise LaunchError(f"Attachments: {error}") from None
    return unique


def merged_mail(before: Mapping[str, Any], edited: Mapping[str, Any]) -> dict[str, Any]:
    """The fields after an edit: what is left out stays, what is empty is removed."""
    merged = {**before, **edited}
    names = (*MAIL_FIELDS, *BODY_FIELDS, *FILE_FIELDS)
    return {name: merged[name] for name in names if merged.get(name)}


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

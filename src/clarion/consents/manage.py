"""Defining consents: their name, category and the text that people agree to."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.consents import signals
from clarion.consents.models import Consent, TextVersion
from clarion.content.errors import ContentError
from clarion.content.rendering import compile_text
from clarion.kit.names import NAMED, no_such, some
from clarion.kit.text import clean

LONGEST_NAME = 100  # characters, also of a category
LONGEST_TEXT = 10_000
LONGEST_SUBJECT = 200
CONFIRM_URL = "confirm_url"  # the variable of the link
CONFIRM_SUBJECT = "Please confirm"
CONFIRM_TEXT = "Please confirm with this link that you agree:\n\n{{ confirm_url }}"
_FIELDS = ("name", "category", "text", "confirm_channel", "confirm_subject", "confirm_text")


class ConsentError(ValueError):
    """A consent can't be defined, changed or removed like this; says what to do.

    `field`: what it is about, of name, category and text.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Confirming:
    """How contacts confirm a consent: a message with a link, sent through a channel."""

    channel: Channel | None = None  # None: they need not
    subject: str = ""
    text: str = ""  # with {{ confirm_url }}; "" for the usual one

    def fields(self) -> dict[str, Any]:
        """The fields of a consent. Raises ConsentError."""
        if self.channel is None:
            return {"confirm_channel": None, "confirm_subject": "", "confirm_text": ""}
        if not settings.CLARION.public_url:
            raise ConsentError(
                "Contacts confirm by a link to this server. Set CLARION_PUBLIC_URL first."
            )
        subject = " ".join(self.subject.split()) or CONFIRM_SUBJECT
        text = self.text.replace("\r\n", "\n").strip() or CONFIRM_TEXT
        if clean(subject, LONGEST_SUBJECT) != subject:
            raise ConsentError(f"The subject has at most {LONGEST_SUBJECT} characters.")
        if clean(text, LONGEST_TEXT) != text:
            raise ConsentError(f"The message has at most {LONGEST_TEXT:,} characters. Shorten it.")
        try:
            used = compile_text(text).variables()
        except ContentError as error:
            raise ConsentError(f"The message can't be used: {error}") from None
        if CONFIRM_URL not in used:
            raise ConsentError("Write {{ confirm_url }} where the link belongs in the message.")
        return {"confirm_channel": self.channel, "confirm_subject": subject, "confirm_text": text}


def define(
    *,
    name: str,
    category: str = "",
    text: str = "",
    confirming: Confirming | None = None,
    by: Agent | str,
) -> Consent:
    """Define a consent. ``text`` is what people agree to, word for word. Raises ConsentError."""
    confirms = confirming.fields() if confirming else {}
    consent = Consent(**_checked(name, category, text), **confirms)
    with transaction.atomic():
        _save(consent)
        _keep_text(consent)
        audit.note("consent.add", _subject(consent), by, name=consent.name)
    return consent


def update(
    consent: Consent,
    *,
    name: str | None = None,
    category: str | None = None,
    text: str | None = None,
    confirming: Confirming | None = None,
    by: Agent | str,
) -> Consent:
    """Change what is given. Who has given it stays as it is. Raises ConsentError.

    A new text is a new version: the earlier ones are kept, for people agreed to those words. A new
    name goes to the broadcasts that require the consent (``consents.signals.renamed``).
    """
    before: dict[str, Any] = {name: getattr(consent, name) for name in _FIELDS}
    fields: dict[str, Any] = _checked(
        consent.name if name is None else name,
        consent.category if category is None else category,
        consent.text if text is None else text,
    )
    fields |= confirming.fields() if confirming else {}
    changes = {field: value for field, value in fields.items() if value != before[field]}
    if not changes:
        return consent
    with transaction.atomic():
        for field, value in changes.items():
            setattr(consent, field, value)
        if "text" in changes:
            locked = Consent.objects.select_for_update().only("version").get(pk=consent.pk)
            consent.version = locked.version + 1
            _keep_text(consent)
        _save(consent)
        if "name" in changes:
            signals.renamed.send(Consent, before=before["name"], after=consent.name)
        audit.note(
            "consent.update",
            _subject(consent),
            by,
            **{field: [_plain(before[field]), _plain(value)] for field, value in changes.items()},
        )
    return consent


def remove(consent: Consent, *, by: Agent | str) -> None:
    """Remove a consent and everything that is known about who gave it: it can't be undone.

    Raises ConsentError while a broadcast needs it. Entry points ask first.
    """
    with transaction.atomic():
        locked = Consent.objects.select_for_update().filter(pk=consent.pk).first()
        if locked is None:
            raise ConsentError("This consent has been deleted already.")
        if needing := needed_by(locked):
            raise ConsentError(
                f"“{locked.name}” is required by {some(needing)}. "
                "Let them finish, stop them, or edit them first."
            )
        number, name = _subject(locked), locked.name
        locked.delete()
        audit.note("consent.remove", number, by, name=name)


def needed_by(consent: Consent) -> list[str]:
    """What requires this consent and is not over yet, in words such as “broadcast 12”."""
    return [
        name for _, names in signals.needed.send(Consent, consent=consent) for name in names or ()
    ]


def find(name: str) -> Consent:
    """The consent of that name. Raises ConsentError that names the known ones."""
    consent = Consent.objects.filter(name=name.strip()).first()
    if consent is not None:
        return consent
    names = Consent.objects.order_by("name").values_list("name", flat=True)
    raise ConsentError(no_such("consent", name, names[: NAMED + 1]))


def _checked(name: str, category: str, text: str) -> dict[str, str]:
    name, category = " ".join(name.split()), " ".join(category.split())
    text = text.replace("\r\n", "\n").strip()
    if not name or clean(name, LONGEST_NAME) != name:
        raise ConsentError(f"Give the consent a name of 1 to {LONGEST_NAME} characters.", "name")
    if clean(category, LONGEST_NAME) != category:
        raise ConsentError(f"A category has at most {LONGEST_NAME} characters.", "category")
    if clean(text, LONGEST_TEXT) != text:
        raise ConsentError(f"The text has at most {LONGEST_TEXT:,} characters. Shorten it.", "text")
    return {"name": name, "category": category, "text": text}


def _save(consent: Consent) -> None:
    try:
        with transaction.atomic():
            consent.save()
    except IntegrityError:
        raise ConsentError(
            f"There is already a consent called “{consent.name}”. Choose another name.", "name"
        ) from None


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _keep_text(consent: Consent) -> None:
    """Keep the text as the consent's current version."""
    TextVersion.objects.create(consent=consent, number=consent.version, text=consent.text)


def _subject(consent: Consent) -> str:
    return f"consent {consent.pk}"

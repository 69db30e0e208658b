"""What the preview on the page of a draft shows of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.broadcasts.mail import sends_mail
from clarion.broadcasts.mail_bodies import has_body, markup_of
from clarion.broadcasts.mail_files import has_inline_images
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview_head
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.content.formats import TEXT
from clarion.content.models import Upload
from clarion.content.preview import Shown
from clarion.kit.markup import reading

HEAD_LABELS: Final = {
    "title": _lazy("Subject"),
    "preheader": _lazy("Preheader"),
    "from_name": _lazy("Sender's name"),
    "reply_to": _lazy("Reply-to"),
}
FORMAT_LABELS: Final = {
    "text": _lazy("Plain text"),
    "markdown": _lazy("Markdown (e-mail)"),
    "html": _lazy("HTML (e-mail)"),
    "mjml": _lazy("MJML (e-mail)"),
    "chat_html": _lazy("HTML (chats)"),
    "markdownv2": _lazy("MarkdownV2 (chats)"),
}
BLOCK_FORMATS: Final = {name: FORMAT_LABELS[name] for name in (TEXT, *reading.FORMATS)}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message of the preview; ``note`` says why a part of it can't be shown."""

    text: str = ""
    format: str = ""  # how the text is written, as of a message
    picture: str = ""  # the address of an upload of ours
    media: str = ""  # what else there is to see: “Image: example.org”
    buttons: Sequence[str] = ()
    webhook: str = ""  # the host that is asked
    note: str = ""


def head(
    broadcast: Broadcast, address: Address | None, channels: Sequence[Channel]
) -> list[tuple[str, Shown]]:
    """The parts above a message, each with its label."""
    shown = preview_head(broadcast, address, channels)
    return [(str(label), shown[name]) for name, label in HEAD_LABELS.items() if name in shown]


def mail_facts(broadcast: Broadcast) -> list[tuple[str, str]]:
    """What its e-mails have beside subject and text, as it was written, each with its label."""
    facts = [
        (str(HEAD_LABELS[name]), source)
        for name, source in broadcast.mail.items()
        if name in HEAD_LABELS
    ]
    if has_body(broadcast) or markup_of(broadcast):
        facts.append((_("Format"), str(FORMAT_LABELS[broadcast.format])))
    if has_inline_images(broadcast):
        facts.append((_("Uploaded images"), _("Embedded in the e-mail")))
    if tokens := broadcast.mail.get("attachments"):
        names = (
            Upload.objects.filter(token__in=tokens).order_by("pk").values_list("name", flat=True)
        )
        facts.append((_("Attachments"), ", ".join(names)))
    return facts


@dataclass(frozen=True, slots=True)
class MailPreview:
    """The e-mail of a draft as its page shows it."""

    pk: int  # of the draft
    revision: int  # another one is loaded anew
    address: int | None  # whose

    @property
    def query(self) -> str:
        """The query of its URL."""
        address = {} if self.address is None else {"address": self.address}
        return urlencode({"revision": self.revision, **address})


def mail_preview(
    draft: Broadcast | None, broadcast: Broadcast, address: Address | None, channels: list[Channel]
) -> MailPreview | None:
    """The e-mail of a draft; None where it has no HTML of its own."""
    if draft is None or not has_body(broadcast) or not sends_mail(channels):
        return None
    return MailPreview(draft.pk, draft.revision, address.pk if address else None)


def bubble(shown: Shown) -> Bubble:
    """One message of the preview."""
    if shown.webhook:
        return Bubble(webhook=urlsplit(shown.webhook).hostname or shown.webhook)
    message, note = shown.message, shown.problem
    if message is None:
        return Bubble(note=note)
    buttons = [button.label for button in message.buttons]
    if message.media is None:
        return Bubble(message.text, message.format, buttons=buttons, note=note)
    name = message.media.name or message.media.url
    words = (_("Image: %s") if message.media.kind == "image" else _("File: %s")) % name
    is_ours = message.media.url.startswith("/")  # else it is fetched from elsewhere
    if message.media.kind == "image" and is_ours:
        return Bubble(message.text, message.format, message.media.url, buttons=buttons, note=note)
    return Bubble(message.text, message.format, media=words, buttons=buttons, note=note)

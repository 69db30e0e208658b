"""What every kind of e-mail does alike: addresses as user ids, and the message itself."""

from dataclasses import replace
from typing import ClassVar

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fits
from clarion.channels.mailing import ids
from clarion.channels.mailing.building import Built, build
from clarion.channels.mailing.files import MB, ensure_files, size_in_mail, too_large
from clarion.channels.mailing.mailboxes import Sender, mailbox

# No protocol tells a rate; 10 a second is under what providers allow new accounts. A temporary
# refusal wants minutes (RFC 5321 4.5.4.1, which knows greylisting too): 5, 10, 20 and 40, as
# Postfix begins.
LIMITS = Limits(
    rate=10.0,
    backoff=300.0,
    text_length=65_536,
    receipts=frozenset(),
    media=frozenset({"image", "file"}),
    buttons=frozenset({"link"}),
    most_buttons=100,
    caption_length=65_536,
    titled=True,
    opt_outs=frozenset({"link"}),
    mail=True,
    # Servers announce their own (SIZE, RFC 1870), and most accept 20 to 50 MB; Gmail 25 MB.
    mail_size=25 * MB,
)
# A provider's API answers at once, and reports later what became of a message.
API_LIMITS = replace(
    LIMITS,
    backoff=10.0,
    receipts=frozenset({"delivered", "failed"}),
    opt_outs=frozenset({"link", "reported"}),
)


class MailKind:
    """The part of a channel kind that is the same for all e-mail."""

    label: ClassVar[str]
    limits: ClassVar[Limits] = LIMITS
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    idempotent = False

    @staticmethod
    def user_id(text: str) -> str:
        """An e-mail address in lower case. Raises BadIdError."""
        return ids.user_id(text)

    @staticmethod
    def id_part(text: str) -> str:
        """A part of a user id as it is compared, see ``ids.id_part``."""
        return ids.id_part(text)

    @staticmethod
    def written_id(text: str) -> str:
        """An e-mail address as it is written. Raises BadIdError."""
        return ids.written_id(text)

    @staticmethod
    def id_space() -> str:
        """E-mail addresses, see ``ids.SPACE``."""
        return ids.SPACE

    def built(self, message: Outgoing, sender: Sender, reply_to: str = "") -> tuple[str, Built]:
        """The recipient's bare address, and text and HTML with everything a newsletter needs.

        Raises Unsendable for a bad address and for what an e-mail can't have, as reply buttons,
        files of a type that the provider refuses, and more bytes than it accepts.
        """
        if message.media or message.buttons or message.template:
            ensure_fits(message, self.limits, self.label)
        try:
            recipient = mailbox(message.to)
        except ValueError as problem:
            raise Unsendable(str(problem)) from None
        built = build(message, sender, recipient, reply_to)
        files = (*built.parts.inline, *built.parts.attached)
        ensure_files(files, self.limits, self.label)
        # Of those that are only measured there are no bytes.
        size = len(built.head) + sum(size_in_mail(media.size) for media in files)
        if sentence := too_large(size, self.limits, self.label):
            raise Unsendable(sentence)
        return recipient, built

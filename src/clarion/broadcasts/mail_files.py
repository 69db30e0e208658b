"""The files of a broadcast's e-mails: attachments, and pictures that are in the e-mail itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from clarion.broadcasts.mail import INLINE, sends_mail
from clarion.broadcasts.mail_bodies import body_of
from clarion.broadcasts.models import Broadcast
from clarion.channels.mailing.files import content_id_of, refused_file, size_in_mail, too_large
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.content import media
from clarion.content.errors import ContentError
from clarion.content.mail.bodies import Body
from clarion.content.mail.pictures import attach_pictures
from clarion.kit.parts import Media

OF_ATTACHMENTS: Final = "Attachments: "
_NOT_A_TEXT: Final = (
    f"{OF_ATTACHMENTS}only a text can have them. Put the files into the story, or remove the "
    "attachments."
)
_USES_UPLOADS: Final = (
    Q(mail__has_key="attachments") | Q(text__contains="/media/") | Q(mail_layout__has_key="html")
)


@dataclass(frozen=True, slots=True)
class MailFiles:
    """The files of one e-mail, measured, and what it weighs with them."""

    attachments: tuple[Media, ...]
    images: tuple[Media, ...]
    size: int  # bytes, about


def has_inline_images(broadcast: Broadcast) -> bool:
    """Whether uploaded pictures are in the e-mail itself."""
    return bool(broadcast.mail.get("images") == INLINE)


def page_with_images(broadcast: Broadcast, body: Body) -> tuple[str, tuple[str, ...]]:
    """The HTML of its e-mails, and the tokens of the pictures in them. Raises ContentError."""
    if not has_inline_images(broadcast):
        return body.html, ()
    return attach_pictures(body.html, lambda token: content_id_of(media.describe(token)))


def files_of(broadcast: Broadcast, channels: Sequence[Channel]) -> MailFiles | None:
    """The files of its e-mails; None where none are sent or they have none. Raises ContentError."""
    if broadcast.data_type != Broadcast.DataType.TEXT or not sends_mail(channels):
        return None
    attachments = tuple(map(media.measure, broadcast.mail.get("attachments", ())))
    body = body_of(broadcast)
    html, tokens = page_with_images(broadcast, body) if body else ("", ())
    images = tuple(map(media.measure, tokens))
    if not attachments and not images:
        return None
    size = sum(size_in_mail(each.size) for each in (*attachments, *images))
    texts = (html, body.whole_text) if body else (broadcast.text, broadcast.text)
    return MailFiles(attachments, images, size + sum(len(text.encode()) for text in texts))


def file_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """Why the files of its e-mails can't be sent, each sentence with OF_ATTACHMENTS in front."""
    has_attachments = bool(broadcast.mail.get("attachments"))
    if has_attachments and broadcast.data_type != Broadcast.DataType.TEXT:
        return [_NOT_A_TEXT]
    problems = [
        f"{OF_ATTACHMENTS}{channel.name} sends no e-mail, so it can't send them. Remove them, or "
        "leave the channel out."
        for channel in channels
        if has_attachments and not kind_class(channel.kind).limits.mail
    ]
    try:
        files = files_of(broadcast, channels)
    except ContentError as error:
        return [*problems, f"{OF_ATTACHMENTS}{error}"]
    return problems if files is None else [*problems, *_unfit(files, channels)]


def _unfit(files: MailFiles, channels: Sequence[Channel]) -> Iterator[str]:
    for channel in channels:
        limits = kind_class(channel.kind).limits
        if not limits.mail:
            continue
        for sentence in (
            refused_file((*files.images, *files.attachments), limits, channel.name),
            too_large(files.size, limits, channel.name),
        ):
            if sentence:
                yield f"{OF_ATTACHMENTS}{sentence}"


def delete_unused_uploads() -> int:
    """Delete uploads that are a week old and that nothing uses; return how many."""
    return media.delete_unused(lambda: set(_used()))


def _used() -> Iterator[str]:
    broadcasts = Broadcast.objects.filter(_USES_UPLOADS).values_list("mail", "text", "mail_layout")
    for mail, text, layout in broadcasts.iterator(chunk_size=500):
        yield from mail.get("attachments", ())
        yield from media.tokens_in(text)
        yield from media.tokens_in(layout.get("html", ""))

"""What is unwise about the e-mails of a draft: nothing of it prevents sending."""

from collections.abc import Sequence

from clarion.broadcasts.mail import sends_mail
from clarion.broadcasts.mail_bodies import body_of, has_body, layout_of
from clarion.broadcasts.mail_files import files_of
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.clicks.tokens import base
from clarion.content.errors import ContentError
from clarion.content.mail.advice import advice_on_body, advice_on_files, advice_on_head


def advice_on(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """Sentences that say what to change, where one of the channels sends e-mail.

    A content that can't be sent has none: see ``problems``.
    """
    if not sends_mail(channels) or broadcast.data_type == Broadcast.DataType.TEMPLATE:
        return []
    advice = list(advice_on_head(broadcast.title, broadcast.mail.get("preheader", "")))
    try:
        files = files_of(broadcast, channels)
        if files is not None:
            advice += advice_on_files(len(files.attachments), len(files.images), files.size)
        if not has_body(broadcast):
            return advice
        body, layout = body_of(broadcast), layout_of(broadcast)
        assert body is not None
        has_address = layout is not None and bool(layout.address.strip())
        advice += advice_on_body(body, has_address=has_address, can_unsubscribe=bool(base()))
    except ContentError:
        return []
    return advice

"""Everything that is known to have happened to one contact, in one list, newest first (N1).

Each kind of thing is in a table of its own and is read in order as far as a page needs; the lists
are merged. So the first page costs what a page does, however much there is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _lazy

from clarion.contacts.identities import same_as
from clarion.contacts.models import Address, Contact
from clarion.insights import timeline_sources as sources
from clarion.insights.merged import EVERYTHING, Span, bounded, end_of_page, newest
from clarion.insights.timeline_clicks import clicks
from clarion.insights.timeline_reports import reports
from clarion.insights.timeline_sources import ContactIds, Line, Start
from clarion.kit.numbers import BIGGEST
from clarion.kit.paging import Cursor, Page

GROUPS: Final[Mapping[str, Any]] = {
    "messages": _lazy("Sent"),
    "not_sent": _lazy("Not sent"),
    "clicks": _lazy("Clicks"),
    "chats": _lazy("Chats"),
    "consents": _lazy("Consents"),
    "codes": _lazy("Codes"),
    "changes": _lazy("Changes"),
}
# Of several things at one moment the one that stands last here comes first in the list.
_SOURCES: Final[Sequence[tuple[str, Callable[[ContactIds, Start], list[Line]]]]] = (
    ("changes", sources.beginning),
    ("changes", sources.addresses),
    ("changes", sources.address_states),
    ("changes", reports),
    ("changes", sources.tags),
    ("changes", sources.edits),
    ("consents", sources.consents),
    ("not_sent", sources.firings),
    ("not_sent", sources.deliveries),
    ("messages", sources.messages_sent),
    ("not_sent", sources.attempts_failed),
    ("clicks", clicks),
    ("chats", sources.chat_messages),
    ("codes", sources.codes),
    ("codes", sources.redemptions),
    ("codes", sources.redemptions_undone),
)


def timeline(
    contact: Contact, span: Span = EVERYTHING, cursor: str | None = None, limit: int = 50
) -> Page[Line]:
    """A page of what happened to a contact, newest first; ``cursor`` as another page gave it.

    A page has up to ``limit`` lines (at most 500). Raises CursorError for a cursor that is not ours
    and ValueError for an unknown group.
    """
    position = end_of_page(cursor, span.group, GROUPS)
    limit = bounded(limit)
    own = Address.objects.filter(contact=contact).values_list("pk", flat=True)
    ids = ContactIds(contact.pk, tuple(same_as(list(own))))
    lines: list[Line] = []
    for rank, (group, read) in enumerate(_SOURCES):
        if not span.group or group == span.group:
            start = _start(span, position, rank, limit + 1)
            lines += [line.ranked(rank) for line in read(ids, start)]
    return newest(lines, limit)


def _start(span: Span, position: Cursor | None, rank: int, limit: int) -> Start:
    """Where a source has to begin: behind the last line of the page before."""
    before, number = BIGGEST, BIGGEST
    if position:
        before, last_rank, last = position.key
        if rank >= last_rank:
            number = last if rank == last_rank else -1
    return Start(before, number, span.since, span.until, limit)

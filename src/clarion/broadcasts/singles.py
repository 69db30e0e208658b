"""Singles: a broadcast to one person, at once: a reply, a test send, a story behind a button.

The engine sends a single like any other broadcast, so it has records, attempts and receipts. It is
written as already expanded: its one delivery is queued in the transaction that makes it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import authors, events
from clarion.broadcasts.content_fit import shows_title
from clarion.broadcasts.errors import AlreadySent, OptedOut, SingleError
from clarion.broadcasts.mail import mail_sources
from clarion.broadcasts.mail_bodies import fixed_layout
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.once import create_once, made_by
from clarion.broadcasts.problems import content_problems
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import BroadcastState
from clarion.chats.control import ChatError, find
from clarion.chats.models import Chat, Message
from clarion.codes.models import CodePool
from clarion.contacts.models import Address
from clarion.contacts.states import NO_REPLY, AddressState, explain
from clarion.contacts.suppressions.matching import pending_among
from clarion.content.errors import LINKS, ContentError
from clarion.content.formats import TEXT
from clarion.content.models import Story
from clarion.content.rendering import compile_text, context_of
from clarion.content.stories import newest
from clarion.kit import clock
from clarion.kit.markup.pieces import MarkupError
from clarion.kit.markup.reading import FORMATS, check_template
from clarion.records.deliveries.write import write_singles
from clarion.records.models import Delivery
from clarion.records.states import PENDING

PRIORITY = 2  # before every broadcast to many (0) and to those who trigger one (1)
LONGEST_REPLY = 4_096  # characters
_AUDIENCE = Audience(kind="picks", picked_from="hand").model_dump()
_DELETED = "The contact was deleted."
_TEMPLATE = re.compile(r"\{[{%#]")
_LITERAL = re.compile(r'\{\{ "(\{[{%#])" \}\}')


def send_single(
    address: Address,
    *,
    by: Agent | str,
    text: str = "",
    story: Story | None = None,
    template: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    title: str = "",
    text_format: str = TEXT,
    mail: Mapping[str, Any] | None = None,
    mail_layout: Mapping[str, str] | None = None,
    code_pool: CodePool | None = None,
    track_clicks: bool = False,
    track_opens: bool = False,
    is_answer: bool = True,
    form_token: str = "",
) -> Broadcast:
    """Send one thing to one person at once: a text (with variables), a story or a template.

    It waits for nobody: it goes before other broadcasts, and an open chat does not hold it.
    ``code_pool``: the one whose sample stands for {{ code }}; no code is used up.
    ``is_answer``: whoever opted out of broadcasts gets it too, or opts out while it is queued. A
    second call with the same ``form_token`` sends nothing, and returns what the first one has
    made. Raises SingleError for people out of reach, and for a text or markup that is wrong.
    """
    if reason := _out_of_reach([address.pk]).get(address.pk):
        raise SingleError(reason)
    fields = _fields(address, by, title, data) | _content(text, story, template, text_format)
    with transaction.atomic():
        single, is_new = create_once(
            form_token,
            mail=dict(mail or {}),
            mail_layout=dict(mail_layout or {}),
            code_pool=code_pool,
            track_clicks=track_clicks,
            track_opens=track_opens,
            is_answer=is_answer,
            **fields,
        )
        if is_new:
            _queue([(single, address)])
    return single


@dataclass(frozen=True, slots=True)
class Single:
    """One thing for one person; the fields are those of ``send_single``."""

    address: Address
    by: Agent | str
    text: str = ""
    text_format: str = TEXT
    story: Story | None = None
    template: Mapping[str, Any] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    mail: Mapping[str, Any] = field(default_factory=dict)


def send_filled(
    wanted: Sequence[Single],
) -> list[tuple[Broadcast, int] | SingleError]:
    """As ``send_single`` for several, together: what was queued and its delivery's id, or why not.

    Each must be a text or template whose variables all have a value: refused is also where one has
    none for this contact, and where what only e-mails have can't be sent. What a story asks for
    while it runs is not known yet, so a story is sent as it is.
    """
    reasons = _out_of_reach([message.address.pk for message in wanted])
    singles = [_filled(message, reasons.get(message.address.pk)) for message in wanted]
    fit = [
        (single, message.address)
        for single, message in zip(singles, wanted, strict=True)
        if isinstance(single, Broadcast)
    ]
    with transaction.atomic():
        Broadcast.objects.bulk_create([single for single, _ in fit])
        deliveries = _queue(fit)
    return [
        single if isinstance(single, SingleError) else (single, deliveries[single.pk])
        for single in singles
    ]


def _filled(message: Single, reason: str | None) -> Broadcast | SingleError:
    """A single that is not saved yet, or why it can't be sent."""
    address = message.address
    try:
        if reason:
            raise SingleError(reason)
        content = _content(message.text, message.story, message.template, message.text_format)
        fields = _fields(address, message.by, message.title, message.data)
        single = Broadcast(mail=dict(message.mail), is_answer=True, **fields, **content)
        if single.mail and (problems := content_problems(single, [address.channel])):
            raise SingleError("\n".join(problems))
        for text in _texts(single, address):
            _fill(text, address, single.data)
    except SingleError as error:
        return error
    except ContentError as error:
        return SingleError(str(error))
    return single


def _fields(
    address: Address, by: Agent | str, title: str, data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The fields of a broadcast to one person that is queued at once."""
    now = clock.now()
    return {
        "type": Broadcast.Type.SINGLE,
        "state": BroadcastState.SENDING,
        **authors.sender(by),
        "title": title.strip()[:200],
        "data": dict(data or {}),
        "audience": dict(_AUDIENCE),
        "priority": PRIORITY,
        "end_open_chats": True,
        "created_at": now,
        "scheduled_at": now,
        "started_at": now,
        "expanded_at": now,
        "expand_cursor": address.pk,
        "total": 1,
    }


def _queue(singles: Sequence[tuple[Broadcast, Address]]) -> dict[int, int]:
    """Queue new singles, each for its address; return their deliveries by broadcast."""
    through = Broadcast.channels.through
    through.objects.bulk_create(
        through(broadcast_id=single.pk, channel_id=address.channel_id)
        for single, address in singles
    )
    Pick.objects.bulk_create(Pick(broadcast=single, address=address) for single, address in singles)
    return write_singles(
        [(single.pk, address.channel_id, address.pk) for single, address in singles]
    )


def _texts(single: Broadcast, address: Address) -> list[str]:
    """What is filled in before it is sent; nothing of a story."""
    if single.data_type == Broadcast.DataType.STORY:
        return []
    titles = [single.title] if shows_title(address.channel) else []
    titles += mail_sources(single, [address.channel]).values()
    if single.data_type == Broadcast.DataType.TEMPLATE:
        return [*single.template.get("variables", ()), *titles]
    return [single.text, *titles]


def _fill(text: str, address: Address, data: Mapping[str, Any]) -> None:
    """Raises ContentError where a variable of a text has no value for a contact."""
    compiled = compile_text(text)
    links = {name: name for name in LINKS if name in compiled.variables()}
    compiled.render(context_of(address.contact, address), data=dict(data), memory={}, **links)


def _out_of_reach(address_ids: Collection[int]) -> dict[int, str]:
    """Why nothing can be sent to those of these addresses to whom nothing can."""
    states = {
        address.pk: address.effective_state
        for address in Address.objects.filter(pk__in=address_ids)
    } | dict.fromkeys(pending_among(address_ids), AddressState.SUPPRESSED)
    reasons = {pk: explain(state) for pk, state in states.items() if state in NO_REPLY}
    return dict.fromkeys(set(address_ids) - states.keys(), _DELETED) | reasons


def _content(
    text: str, story: Story | None, template: Mapping[str, Any] | None, text_format: str
) -> dict[str, object]:
    """The fields of a broadcast that say what is sent."""
    if story is not None:
        return {
            "data_type": Broadcast.DataType.STORY,
            "story": story,
            "story_version": newest(story),
        }
    if template is not None:
        return {"data_type": Broadcast.DataType.TEMPLATE, "template": dict(template)}
    if not text.strip():
        raise SingleError("Write a text first.")
    try:
        compile_text(text)
        if text_format in FORMATS:
            check_template(text, text_format)
    except (ContentError, MarkupError) as error:
        raise SingleError(str(error)) from None
    return {"data_type": Broadcast.DataType.TEXT, "text": text, "format": text_format}


def reply(
    address_id: int, text: str, *, by: Agent, form_token: str = "", to_opted_out: bool = False
) -> Broadcast:
    """Send an agent's words, exactly as written, to the person of a chat that is theirs.

    ``to_opted_out``: also to who opted out and has written nothing since; otherwise that raises
    OptedOut.

    A form sends one reply: called again with the same ``form_token`` and the same words, this
    returns the reply that was sent; raises AlreadySent for other words. Raises ChatError when the
    chat is not open with this agent, and SingleError when there is nothing to send or nobody to
    send it to.
    """
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not words:
        raise SingleError("Write a reply first.")
    if len(words) > LONGEST_REPLY:
        raise SingleError(
            f"The reply has {len(words):,} characters; {LONGEST_REPLY:,} are allowed. "
            "Send it in parts."
        )
    address_id = find(address_id).pk
    with transaction.atomic():
        # The lock: nobody closes the chat or takes it over between the look and the reply.
        chat = Chat.objects.select_for_update().filter(pk=address_id).first()
        if chat is None or chat.state != Chat.State.OPEN or chat.agent_id != by.pk:
            raise ChatError("This chat is not open with you. Take it over first, then reply.")
        if sent := made_by(form_token):
            if sent.text == literal(words):
                return sent
            raise AlreadySent(
                f"The reply before this one was sent: “{plain(sent.text)[:80]}”. This one was "
                "not. Press Send again to send it as well."
            )
        if not to_opted_out and _opted_out_last(chat.address):
            raise OptedOut(
                "The contact opted out and has written nothing since. Send the reply only if they "
                "expect it."
            )
        single = send_single(chat.address, by=by, text=literal(words), form_token=form_token)
        audit.note("chat.reply", f"chat {address_id}", by, broadcast=single.pk)
    return single


def _opted_out_last(address: Address) -> bool:
    """Whether they opted out, and the last that they wrote, if anything, was that."""
    if address.state != AddressState.OPTED_OUT:
        return False
    written = Message.objects.filter(chat=address.pk, inbound=True)
    return address.state_at is None or not written.filter(at__gt=address.state_at).exists()


def literal(text: str) -> str:
    """A text with variables that renders to exactly ``text``, whatever braces stand in it."""
    return _TEMPLATE.sub(lambda match: f'{{{{ "{match[0]}" }}}}', text)


def plain(text: str) -> str:
    """What ``literal`` made, as it was written."""
    return _LITERAL.sub(lambda match: match[1], text)


def send_test(
    draft: Broadcast, address: Address, *, by: Agent | str, form_token: str = ""
) -> Broadcast:
    """Send what a draft says to one person now, to see it arrive (B5).

    ``form_token`` as for ``send_single``. Raises SingleError as ``send_single``, with all that is
    wrong with what it says, and for somebody who opted out: a test is no reply.
    """
    if address.state == AddressState.OPTED_OUT:
        raise SingleError("The contact opted out. Send the test to another contact.")
    kinds = Broadcast.DataType
    if problems := content_problems(draft, [address.channel]):
        raise SingleError("\n".join(problems))
    with transaction.atomic():
        single = send_single(
            address,
            by=by,
            text=draft.text,
            story=draft.story if draft.data_type == kinds.STORY else None,
            template=draft.template if draft.data_type == kinds.TEMPLATE else None,
            data={**draft.sample_data, **draft.data},
            title=draft.title,
            text_format=draft.format,
            mail=draft.mail,
            mail_layout=fixed_layout(draft),
            code_pool=draft.code_pool,
            track_clicks=draft.track_clicks,
            track_opens=draft.track_opens,
            is_answer=False,
            form_token=form_token,
        )
        events.note(draft, "test", by, single=single.pk)
    return single


def send_pressed(address: Address, story: Story) -> Broadcast | None:
    """Send a story to somebody who pressed its button; None while it is on its way already."""
    under_way = Delivery.objects.filter(
        address=address,
        broadcast__in=of_address(address.pk).filter(state=BroadcastState.SENDING, story=story),
        state__in=PENDING,
    )
    if under_way.exists():
        return None
    return send_single(address, by=audit.WORKER, story=story)


def of_address(address_id: int) -> "QuerySet[Broadcast]":
    """The singles that were made for one person on one channel, as a query set."""
    return of_addresses([address_id])


def of_addresses(address_ids: Sequence[int]) -> "QuerySet[Broadcast]":
    """As ``of_address``, for several."""
    return Broadcast.objects.filter(type=Broadcast.Type.SINGLE, picks__address__in=address_ids)


def latest(address_ids: Iterable[int]) -> dict[int, Broadcast]:
    """The newest single of each of these people who have one."""
    picks = Pick.objects.filter(
        address__in=list(address_ids), broadcast__type=Broadcast.Type.SINGLE
    )
    by_address: dict[int, Broadcast] = {}
    for pick in picks.select_related("broadcast").order_by("address_id", "-broadcast_id"):
        by_address.setdefault(pick.address_id, pick.broadcast)
    return by_address

"""External broadcasts (C5): live, each call of their secret URL is a run; and events by URL (C4).

A call names whom to send to and brings the ``data`` of that run. It is answered with what will
happen: how many people are known, which ones are not, and who is left out for which reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clarion.accounts.models import Agent
from clarion.broadcasts import calls, events, firings
from clarion.broadcasts.audience import summary
from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.content_fit import shows_title
from clarion.broadcasts.errors import CallError
from clarion.broadcasts.live import go_live, new_run
from clarion.broadcasts.mail import mail_sources
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import add_picks, copy_picks
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.versions import sources_of
from clarion.channels.models import Channel
from clarion.contacts import identities
from clarion.content import media
from clarion.content.rendering import unknown_variables
from clarion.content.script import compile_script
from clarion.kit import clock, ids
from clarion.kit.batches import batches
from clarion.kit.text import clean

URGENT = 100  # a run to no more people than this goes before broadcasts to many
NAMED = 100  # unknown users that are named in the answer
CALLER = "external call"  # in the audit log
CHUNK = 10_000
_NOT_DATA = frozenset({"contact", "memory", "code"})
_FIELDS = frozenset({"platform", "channel", "user", "users", "data"})
_USERS = 'Give “users” as a list of user ids, such as ["4711", "4712"]'


def start(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a draft live: it gets a secret URL. Raises LaunchError with all that is in the way."""
    secret = broadcast.secret or {"token": ids.token(calls.SECRET_LENGTH)}
    return go_live(broadcast, by=by, secret=secret, time_zone=broadcast.zone)


def launch_call(
    broadcast: Broadcast, body: Mapping[str, Any], key: str | None = None
) -> dict[str, Any]:
    """Make a run of an external broadcast as a call of its URL asks for; returns the answer.

    ``body``: ``platform`` (a kind of channels) or ``channel`` (a name), ``users`` (a list of user
    ids, or "everyone" of its own audience) and ``data``. ``key``: the call's Idempotency-Key.
    Raises CallError with what to change; nothing is done then.
    """
    return calls.once(broadcast, body, key, lambda locked: _run(locked, body))


def event_call(
    broadcast: Broadcast, body: Mapping[str, Any], key: str | None = None
) -> dict[str, Any]:
    """Fire a trigger on an event for the users of a call of its URL; returns the answer.

    ``body``: as of ``launch_call``, or one ``user``; people are found by their user id on any
    channel, that of the broadcast unless another one is named. Raises CallError.
    """
    return calls.once(broadcast, body, key, lambda locked: (_fire(locked, body), None))


def _run(parent: Broadcast, body: Mapping[str, Any]) -> tuple[dict[str, Any], Broadcast | None]:
    data = _data(parent, body)
    channels = _channels(list(parent.channels.order_by("pk")), body)
    audience = audience_of(parent)
    named: _Found | None = None
    if body.get("users") != "everyone":
        named = _Found(channels, _users(body, or_everyone=True))
        audience = audience.model_copy(
            update={"kind": "picks", "tags": [], "segments": [], "picked_from": "ids"}
        )
        if not named.addresses:
            return {"broadcast": None, **named.answer(), "will_get": 0, "skipped": {}}, None
    urgent = named is not None and len(named.addresses) <= URGENT
    run = new_run(
        parent,
        clock.now(),
        type=Broadcast.Type.EXTERNAL,
        data={**parent.data, **data},
        audience=audience.model_dump(),
        priority=max(parent.priority, int(urgent)),
    )
    run.channels.set(channels)
    if named is not None:
        add_picks(run, named.addresses)
    elif audience.kind == "picks":
        copy_picks(parent, run)
    events.note(parent, "call", CALLER, run=run.pk)
    events.observe(run.pk, "create", CALLER, run_of=parent.pk)
    audience_summary = summary(audience, channels, broadcast_id=run.pk, quick=True)
    everyone = {
        "known": audience_summary.total + sum(audience_summary.dropped.values()),
        "unknown": [],
        "unknown_count": 0,
    }
    answer = {
        "broadcast": run.pk,
        **(named.answer() if named else everyone),
        "will_get": audience_summary.total,
        "skipped": audience_summary.dropped,
    }
    return (answer | {"about": True} if audience_summary.about else answer), run


def _fire(broadcast: Broadcast, body: Mapping[str, Any]) -> dict[str, Any]:
    data = _data(broadcast, body)
    names_channels = body.keys() & {"platform", "channel"}
    offered = Channel.objects.all() if names_channels else broadcast.channels
    named = _Found(_channels(list(offered.order_by("pk")), body), _users(body))
    fired = firings.fire(broadcast, named.contacts, clock.now(), data)
    before = len(named.contacts) - fired
    return {
        "broadcast": broadcast.pk,
        **named.answer(),
        "fired": fired,
        "skipped": {"fired_before": before} if before else {},
    }


class _Found:
    """Users as a call names them, and who of them is known on these channels of one kind."""

    def __init__(self, channels: Sequence[Channel], users: Sequence[str]) -> None:
        known_users: set[str] = set()
        addresses: set[int] = set()
        people: set[int] = set()
        for batch in batches(sorted(set(users)), CHUNK):
            for channel in channels:
                matches = identities.look_up(channel, batch)
                known_users |= matches.keys()
                addresses |= {match.address for match in matches.values()}
                people |= {match.contact for match in matches.values()}
        self.addresses = sorted(addresses)
        self.contacts = sorted(people)
        self._unknown = [user for user in dict.fromkeys(users) if user not in known_users]
        self._known = len(known_users)

    def answer(self) -> dict[str, Any]:
        """The part of the answer that says who is known."""
        return {
            "known": self._known,
            "unknown": [clean(user, 320) for user in self._unknown[:NAMED]],
            "unknown_count": len(self._unknown),
        }


def _users(body: Mapping[str, Any], or_everyone: bool = False) -> list[str]:
    """The user ids of a call, each once. Raises CallError."""
    users = body["users"] if "users" in body else [body.get("user")]
    if not isinstance(users, list) or not users:
        raise CallError(f'{_USERS}, or as "everyone".' if or_everyone else f"{_USERS}.")
    for user in users:
        if isinstance(user, bool) or not isinstance(user, str | int):
            raise CallError(f'{_USERS}, or as "everyone".' if or_everyone else f"{_USERS}.")
    return list(dict.fromkeys(str(user) for user in users))


def _channels(offered: Sequence[Channel], body: Mapping[str, Any]) -> list[Channel]:
    """The channels of one kind that a call means. Raises CallError, which names the choice."""
    platform, name = body.get("platform"), body.get("channel")
    kinds = ", ".join(sorted({channel.kind for channel in offered}))
    chosen = [
        channel
        for channel in offered
        if platform in (None, channel.kind) and name in (None, channel.name)
    ]
    if not chosen and name is not None:
        raise CallError("There is no such channel here. Correct “channel”, or leave it out.")
    if len({channel.kind for channel in chosen}) != 1:
        raise CallError(f"Give “platform” as one of: {kinds}.")
    return chosen


def _data(broadcast: Broadcast, body: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a call. Raises CallError, also when the text needs more than it brings."""
    strange = sorted(body.keys() - _FIELDS)
    if strange:
        raise CallError(f"“{clean(strange[0], 40)}” is no field of a call. Leave it out.")
    data = checked_data(body.get("data"))
    names = {f"data.{name}" for name in (*data, *broadcast.data)}
    missing = _unknown(broadcast, names)
    if missing:
        raise CallError(f"The message needs “{missing[0]}”. Give it in “data”.")
    return data


def _unknown(broadcast: Broadcast, names: set[str]) -> list[str]:
    """The variables of a broadcast that stand neither in ``known`` nor with a contact."""
    channels = list(broadcast.channels.all())
    if broadcast.data_type != Broadcast.DataType.STORY:
        texts, in_story = list(sources_of(broadcast, channels)), []
    else:
        assert broadcast.story_version is not None
        script = compile_script(broadcast.story_version.blocks, load=media.measure)
        in_story = script.unknown(names, _NOT_DATA)
        texts = [broadcast.title] if any(map(shows_title, channels)) else []
        texts += mail_sources(broadcast, channels).values()
    return in_story + [name for text in texts for name in unknown_variables(text, names, _NOT_DATA)]

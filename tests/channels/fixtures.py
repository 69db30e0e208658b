"""What the fixtures of all channel kinds share: the Case, and replies and callbacks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from channels.rehearsal import Rehearsal
from clarion.channels.contract import (
    ChannelKind,
    Event,
    HookRequest,
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.registry import kind_class
from clarion.transport.messages import HttpReply, HttpRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JUST_BEFORE = datetime(2026, 11, 22, 11, 59, 55, tzinfo=UTC)
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


def _as_sent(request: HttpRequest) -> bytes:
    return request.body


@dataclass(frozen=True)
class Case:
    """One kind under test."""

    kind: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    message: Outgoing
    accepted: Reply
    replies: Mapping[str, tuple[Reply, Refusal | None]]  # None: accepted
    user_ids: Mapping[str, str]  # as written -> as stored
    bad_user_ids: Mapping[str, tuple[str, ...]]  # words of the reason -> as written
    id_columns: Mapping[str, str]  # titles of a file -> the one of its user ids
    hook: Callable[[], HookRequest] | None = None  # a good callback
    told: tuple[Event, ...] = ()  # what it tells
    # A good packet instead of a callback, from a provider that reports over a kept connection.
    heard: Callable[[], HookRequest] | None = None
    forged: Mapping[str, Callable[[], HookRequest]] = field(default_factory=dict)
    # Other good callbacks, or packets: with these, all that the kind says it can report is told.
    others: tuple[Callable[[], HookRequest], ...] = ()
    pressed: Callable[[], HookRequest] | None = None  # “Yes, please” with the value yes-7
    unknown: tuple[bytes, ...] = ()  # bodies in the provider's form that mean nothing to us
    opened: Callable[[HttpRequest], bytes] = _as_sent  # what the receiver reads of a request
    needs_size: frozenset[str] = frozenset()  # of media: what it takes only with its size
    unpacked: Callable[[bytes], bytes] = bytes  # of what is sent, the message itself
    rehearsal: Rehearsal | None = None  # where the simulator knows the provider's protocol

    def make(self, **changes: Any) -> ChannelKind:
        """The kind, configured."""
        kind = kind_class(self.kind)
        return kind(kind.Config.model_validate({**self.settings, **changes}))

    def with_body(self, body: bytes) -> HookRequest:
        """A callback with that body; whether it is signed does not matter to `events`."""
        return HookRequest({"webhook-id": "msg_1"}, "", body, NOW)


def reply(status: int, body: object = b"", **headers: str) -> HttpReply:
    """An HTTP reply; a body that is not bytes goes as JSON, `retry_after` names Retry-After."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


def refusal_of(outcome: Outcome) -> Refusal | None:
    """The class of an outcome, None for an accepted one."""
    return outcome.refusal if isinstance(outcome, Refused) else None


def without(hook: HookRequest, *names: str) -> HookRequest:
    """The same callback without these headers."""
    return replace(hook, headers={k: v for k, v in hook.headers.items() if k not in names})


def texts_of(raw: bytes) -> list[str]:
    """The texts of an e-mail, as its recipient reads them."""
    mail = message_from_bytes(raw, policy=policy.SMTPUTF8)
    return [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]

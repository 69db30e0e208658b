"""Providers' callbacks: verified, stored as they came, answered; the engine applies them later."""

import re
from functools import lru_cache
from typing import Final, TypeGuard
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError

from clarion.channels.abilities import (
    AnswersCallbacks,
    AnswersHandshake,
    ProvesByCertificate,
    TakesGets,
)
from clarion.channels.contract import (
    BadSignature,
    ChannelKind,
    HookRequest,
)
from clarion.engine.callbacks import Verified, store
from clarion.engine.group_commit import GroupCommit, Overloaded, Runs
from clarion.engine.inbox import lane_of
from clarion.hooks.certificates import Certificates, NoCertificate
from clarion.hooks.channels import AT_ONCE, ChannelDirectory
from clarion.hooks.wire import Answer, Request, busy, not_allowed, sentence
from clarion.kit import clock

PATH: Final = re.compile(r"/hooks/([^/]+)/")
# Proofs of who is calling are looked at once; what is kept in the inbox must not hold them.
_PROOF: Final = re.compile(r"auth|cookie|key|secret|signature|token")
_PROOFS_IN_QUERY: Final = frozenset({"key", "secret", "signature", "token"})
_NOT_STORED: Final = "The callback could not be stored. Send it again."
_NO_CERTIFICATE: Final = "The certificate could not be fetched. Send the callback again."
_OK: Final = sentence(200, "ok")


class Callbacks:
    """The webhook URLs of all channels."""

    def __init__(self, reads: Runs, writes: Runs) -> None:
        """`reads`, `writes`: where the database is asked, and where it is written."""
        self._channels = ChannelDirectory(reads)
        self._certificates = Certificates()
        self._stored: GroupCommit[Verified] = GroupCommit(store, writes)

    async def answer(self, request: Request, channel: str) -> Answer:
        """Verify, store, answer 200 when it is stored.

        `channel` is a channel's number or name. A GET is a provider that tries the address first;
        only kinds that know such a thing answer it. 404 for an unknown channel, 401 for a wrong
        signature, 503 while the database does not keep up, so that the provider tries again.
        """
        try:
            match = await self._channels.find(channel)
            if match is None:
                return sentence(404, "There is no such channel.")
            if request.method == "GET" and not isinstance(match[1], TakesGets):
                return _handshake(match[1], request.query)
            if request.method not in ("GET", "POST"):
                return not_allowed(b"GET", b"POST")
            return await self._take(request, channel, *match)
        except (DatabaseError, Overloaded):
            return busy(_NOT_STORED)

    async def _take(self, request: Request, channel: str, number: int, kind: ChannelKind) -> Answer:
        headers = request.headers()
        url = _called(request)
        hook = HookRequest(headers, request.query, request.body, clock.now(), url)
        refused = _refused(kind, hook)
        if refused:
            # The secret may have been changed a moment ago.
            match = await self._channels.find(channel, within=AT_ONCE)
            if match is None or (refused := _refused(match[1], hook)):
                return sentence(401, refused)
            number, kind = match
        if _class_proves(type(kind)):
            assert isinstance(kind, ProvesByCertificate)
            try:
                refused = await self._certificates.refused(kind, hook)
            except NoCertificate:
                return busy(_NO_CERTIFICATE)
            if refused:
                return sentence(401, refused)
        kept = {name: value for name, value in headers.items() if not _is_proof(name)}
        row = HookRequest(kept, _without_proofs(hook.query), hook.body, hook.received_at)
        await self._stored.add(Verified(number, row, lane_of(kind, hook)), len(hook.body))
        answer = kind.answer(hook) if _answers(kind) else None
        return Answer(200, answer.body, answer.content_type.encode()) if answer else _OK


def _without_proofs(query: str) -> str:
    """A query as it is kept."""
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if pair.partition("=")[0] not in _PROOFS_IN_QUERY)


def _refused(kind: ChannelKind, hook: HookRequest) -> str:
    """Why it is not the provider's, "" when it is."""
    try:
        kind.verify(hook)
    except BadSignature as refused:
        return str(refused) or "The signature is wrong."
    return ""


def _handshake(kind: ChannelKind, query: str) -> Answer:
    if not isinstance(kind, AnswersHandshake):
        return not_allowed(b"POST")
    try:
        return Answer(200, kind.handshake(query).encode())
    except BadSignature as refused:
        return sentence(403, str(refused))


def _answers(kind: ChannelKind) -> TypeGuard[AnswersCallbacks]:
    return _class_answers(type(kind))


def _called(request: Request) -> str:
    """The URL as the provider called it: what is before us may have changed it on its way."""
    public_url = settings.CLARION.public_url
    if not public_url:
        return ""
    query = f"?{request.query}" if request.query else ""
    return f"{public_url.rstrip('/')}{quote(request.path)}{query}"


@lru_cache(maxsize=64)
def _class_answers(kind: type[ChannelKind]) -> bool:
    return issubclass(kind, AnswersCallbacks)  # 30 µs each time: a tenth of a callback


@lru_cache(maxsize=64)
def _class_proves(kind: type[ChannelKind]) -> bool:
    return issubclass(kind, ProvesByCertificate)


@lru_cache(maxsize=1024)
def _is_proof(header: str) -> bool:
    return _PROOF.search(header) is not None

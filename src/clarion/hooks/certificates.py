"""Callbacks that are signed with a key whose certificate the provider publishes.

A certificate is fetched once and kept in memory: its URL names its content. Only a callback that
its kind has let through already may have one fetched, and only from the provider's own server.
"""

import asyncio
from typing import Final

import structlog
from cryptography.x509 import load_pem_x509_certificate

from clarion.channels.abilities import ProvesByCertificate
from clarion.channels.contract import BadSignature, HookRequest
from clarion.channels.errors import ChannelError
from clarion.channels.manage import ask
from clarion.transport.messages import HttpReply, HttpRequest

log = structlog.get_logger()
_MOST: Final = 32  # certificates that are kept
_LARGEST: Final = 20_000  # bytes


class NoCertificate(Exception):  # noqa: N818 - the name is the fact
    """It could not be fetched at the moment."""


class Certificates:
    """The certificates that are known, by their URLs."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def refused(self, kind: ProvesByCertificate, hook: HookRequest) -> str:
        """Why a callback is not the provider's, "" when it is. Raises NoCertificate."""
        try:
            request = kind.certificate(hook)
            kind.verify_with(hook, await self._certificate(request))
        except BadSignature as refused:
            return str(refused)
        return ""

    async def _certificate(self, request: HttpRequest) -> bytes:
        if certificate := self._known.get(request.url):
            return certificate
        async with self._one_at_a_time:
            if certificate := self._known.get(request.url):
                return certificate
            try:
                reply = await ask(request)
            except ChannelError as error:
                log.warning("certificate_not_fetched", error=str(error))
                raise NoCertificate from None
            if not isinstance(reply, HttpReply) or reply.status != 200:
                log.warning("certificate_refused", status=getattr(reply, "status", 0))
                raise NoCertificate
            if not _is_certificate(reply.body):  # such as the page of a proxy
                log.warning("certificate_unreadable", size=len(reply.body))
                raise NoCertificate
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[request.url] = reply.body
            return reply.body


def _is_certificate(body: bytes) -> bool:
    if len(body) > _LARGEST:
        return False
    try:
        load_pem_x509_certificate(body)
    except ValueError:
        return False
    return True

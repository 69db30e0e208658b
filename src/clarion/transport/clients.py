"""One client for each protocol, and which of them sends a request."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Self

from clarion.transport.http import HttpClient
from clarion.transport.imap import ImapClient
from clarion.transport.messages import (
    AnyReply,
    AnyRequest,
    HttpRequest,
    ImapReply,
    ImapRequest,
    SmtpReply,
    SmtpRequest,
)
from clarion.transport.oauth import Tokens
from clarion.transport.smpp import SmppClient
from clarion.transport.smtp import SmtpPool

_MOST_MAIL = 16  # connections to one mail server


class Clients:
    """The clients of one event loop."""

    def __init__(self, per_server: int = 8, proxy: str = "") -> None:
        """Make them; nothing is opened yet. `per_server`: connections; `proxy`: for HTTP."""
        self.http = HttpClient(per_origin=per_server, proxy=proxy or None)
        self.smtp = SmtpPool(per_server=min(per_server, _MOST_MAIL))
        self.smpp = SmppClient()
        self.imap = ImapClient()
        self._tokens = Tokens(self.http)

    def most_at_once(self, request: AnyRequest, most: int) -> int:
        """How many requests like this one to begin at a time, of at most that many: what would only
        wait in line for a connection to a mail server is better left to other workers."""
        return min(most, 2 * self.smtp.per_server) if isinstance(request, SmtpRequest) else most

    def send(self, request: AnyRequest) -> Awaitable[AnyReply]:
        """Send a request with the client of its protocol, which says what it raises."""
        if isinstance(request, HttpRequest):
            return self.http.send(request)
        if isinstance(request, SmtpRequest):
            return self.smtp.send(request) if request.oauth is None else self._send_mail(request)
        if isinstance(request, ImapRequest):
            return self.imap.send(request) if request.oauth is None else self._read_mail(request)
        return self.smpp.send(request)

    async def _send_mail(self, request: SmtpRequest) -> SmtpReply:
        """With an access token, and with a new one where the server refuses the one it was."""
        assert request.oauth is not None
        token = await self._tokens.get(request.oauth)
        reply = await self.smtp.send(replace(request, password=token))
        if reply.stage != "auth" or reply.code < 500:
            return reply
        self._tokens.drop(request.oauth, token)
        newer = await self._tokens.get(request.oauth)
        return await self.smtp.send(replace(request, password=newer))

    async def _read_mail(self, request: ImapRequest) -> ImapReply:
        assert request.oauth is not None
        token = await self._tokens.get(request.oauth)
        reply = await self.imap.send(replace(request, password=token))
        if reply.stage != "login":
            return reply
        self._tokens.drop(request.oauth, token)
        newer = await self._tokens.get(request.oauth)
        return await self.imap.send(replace(request, password=newer))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all of them."""
        self.imap.close()
        await asyncio.gather(self.http.close(), self.smtp.close(), self.smpp.close())

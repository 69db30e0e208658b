"""One client for each protocol, and which of them sends a request."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Self, TypeVar

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

_R = TypeVar("_R", SmtpRequest, ImapRequest)
_A = TypeVar("_A", SmtpReply, ImapReply)
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
            if request.oauth is None:
                return self.smtp.send(request)
            return self._with_token(
                request, self.smtp.send, lambda reply: reply.stage == "auth" and reply.code >= 500
            )
        if isinstance(request, ImapRequest):
            if request.oauth is None:
                return self.imap.send(request)
            return self._with_token(request, self.imap.send, lambda reply: reply.stage == "login")
        return self.smpp.send(request)

    async def _with_token(
        self, request: _R, send: Callable[[_R], Awaitable[_A]], is_refused: Callable[[_A], bool]
    ) -> _A:
        """Send with an access token, and with a new one where the server refuses the one it was."""
        assert request.oauth is not None
        token = await self._tokens.get(request.oauth)
        reply = await send(replace(request, password=token))
        if not is_refused(reply):
            return reply
        self._tokens.drop(request.oauth, token)
        newer = await self._tokens.get(request.oauth)
        return await send(replace(request, password=newer))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all of them."""
        self.imap.close()
        await asyncio.gather(self.http.close(), self.smtp.close(), self.smpp.close())

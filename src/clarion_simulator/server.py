"""The simulator as an object: start, ask, stop."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.control import Control
from clarion_simulator.desk import Desk
from clarion_simulator.direct import Direct
from clarion_simulator.discord import Discord
from clarion_simulator.imap import Imap, Inbox
from clarion_simulator.line import Line
from clarion_simulator.log import Log, LogFile
from clarion_simulator.mail_apis import MailApis
from clarion_simulator.slack import Slack
from clarion_simulator.smpp import Smpp, Smsc
from clarion_simulator.smtp import Mail
from clarion_simulator.summary import Tally
from clarion_simulator.telegram import Telegram
from clarion_simulator.twilio import Twilio
from clarion_simulator.viber import Viber
from clarion_simulator.vk import Vk
from clarion_simulator.vonage import Vonage
from clarion_simulator.webhook import Webhook
from clarion_simulator.webpush import WebPush
from clarion_simulator.whatsapp import WhatsApp
from clarion_simulator.wire import Connection, Handler

BACKLOG = 4096
ROUTES_MAX = 10_000
FLUSH_SECONDS = 0.1


class Simulator:
    """A provider on loopback. Port 0 takes a free one; SMPP and IMAP are spoken only where they
    have a port.

    `log_file` makes the log outlive it.

    Raises ValueError where a port is no port; `start` raises OSError where a port is taken and
    ValueError where the log file is no log.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        http_port: int = 0,
        smtp_port: int = 0,
        smpp_port: int | None = None,
        imap_port: int | None = None,
        log_file: Path | None = None,
    ) -> None:
        for port in (http_port, smtp_port, smpp_port or 0, imap_port or 0):
            if not 0 <= port <= 65535:
                raise ValueError(f"A port is a number from 0 to 65535, not {port}.")
        self.host = host
        self.http_port = http_port
        self.smtp_port = smtp_port
        self.smpp_port = smpp_port
        self.imap_port = imap_port
        self.inbox = Inbox()
        self._imaps: set[Imap] = set()
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._mails: set[Mail] = set()
        self._servers: list[asyncio.Server] = []
        self._routes: dict[bytes, Handler] = {}
        self._log_path = log_file
        self._log_file: LogFile | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._desk = Desk(behaviour or Behaviour())
        self._tally = Tally(self._desk.log)
        self._set_up_providers()
        self._control = Control(
            self._desk,
            self._telegram,
            self._whatsapp,
            self._direct,
            self._twilio,
            self._vonage,
            self._webhook,
            self._line,
            self._viber,
            self._webpush,
            self._slack,
            self._smpp,
            self._discord,
            self._vk,
            self._tally,
            health=self.health,
            use=lambda changes: self.use(self.behaviour.changed(changes)),
            reset=self.reset,
        )
        self.use(self.behaviour)

    def _set_up_providers(self) -> None:
        self._telegram = Telegram(self._desk)
        self._line = Line(self._desk)
        self._viber = Viber(self._desk)
        self._webhook = Webhook(self._desk)
        self._smpp = Smpp(self._desk)
        self._mail_apis = MailApis(self._desk)
        self._whatsapp = WhatsApp(self._desk)
        self._webpush = WebPush(self._desk)
        self._direct = Direct(self._desk)
        self._twilio = Twilio(self._desk)
        self._vonage = Vonage(self._desk)
        self._slack = Slack(self._desk)
        self._discord = Discord(self._desk)
        self._vk = Vk(self._desk)

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour in force."""
        return self._desk.behaviour

    @property
    def log(self) -> Log:
        """Everything received."""
        return self._desk.log

    @property
    def http_url(self) -> str:
        """Where it speaks HTTP, without a slash at the end."""
        return f"http://{_in_url(self.host)}:{self.http_port}"

    @property
    def smtp_url(self) -> str:
        """Where it speaks SMTP."""
        return f"smtp://{_in_url(self.host)}:{self.smtp_port}"

    @property
    def smpp_url(self) -> str | None:
        """Where it speaks SMPP; None where it does not."""
        return None if self.smpp_port is None else f"smpp://{_in_url(self.host)}:{self.smpp_port}"

    @property
    def imap_url(self) -> str | None:
        """Where it speaks IMAP; None where it does not."""
        return None if self.imap_port is None else f"imap://{_in_url(self.host)}:{self.imap_port}"

    async def start(self) -> None:
        """Open the log file and the ports."""
        if self._log_path is not None:
            self._log_file = LogFile(self.log, self._log_path)
            self._flusher = asyncio.create_task(self._flush())
        try:
            self.http_port = await self._listen(lambda: Connection(self), self.http_port)
            self.smtp_port = await self._listen(
                lambda: Mail(self._desk, self._mails, self.inbox), self.smtp_port
            )
            if self.imap_port is not None:
                self.imap_port = await self._listen(
                    lambda: Imap(self.inbox, self._imaps), self.imap_port
                )
            if self.smpp_port is not None:
                self.smpp_port = await self._listen(lambda: Smsc(self._smpp), self.smpp_port)
        except BaseException:
            await self.stop()
            raise
        self._desk.caller.start()

    async def stop(self) -> None:
        """Close everything, waiting for nothing but the log file."""
        for server in self._servers:
            server.close()
        links: list[Connection | Mail | Smsc | Imap] = [
            *self.connections,
            *self._mails,
            *self._imaps,
            *self._smpp.links,
        ]
        for transport in [link.transport for link in links]:
            transport.abort()
        tasks = [*self.tasks, *([self._flusher] if self._flusher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._desk.caller.stop()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        if self._log_file:
            self._log_file.close()
            self._log_file = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def use(self, behaviour: Behaviour) -> None:
        """Put another behaviour in force, from the next request on."""
        self._desk.use(behaviour)
        self.max_body = behaviour.max_body
        self.slow_seconds = behaviour.slow_seconds
        self.resets_on_arrival = behaviour.reset_before > 0

    async def reset(self) -> None:
        """Forget all received, planned and ordered; the behaviour and all webhooks stay."""
        async with self._tally.lock:
            self._tally.clear()
            self.log.clear()
            self._desk.judge.forget()
            self._desk.caller.forget()
            self._telegram.forget()
            self._smpp.forget()
            self.inbox.forget()
            if self._log_file:
                self._log_file.clear()

    async def summary(self) -> dict[str, Any]:
        """What `GET /_/summary` answers."""
        return {**await self._tally.summary(), "callbacks": self._desk.caller.counts()}

    def health(self) -> dict[str, Any]:
        """What `GET /_/health` answers."""
        problem = self._log_file.error if self._log_file else None
        return {
            "ok": problem is None,
            "pid": os.getpid(),
            "http": self.http_url,
            "smtp": self.smtp_url,
            "smpp": self.smpp_url,
            "imap": self.imap_url,
            "http_port": self.http_port,
            "smtp_port": self.smtp_port,
            "smpp_port": self.smpp_port,
            "imap_port": self.imap_port,
            "log": str(self._log_path) if self._log_path else None,
            "problem": problem,
            "received": len(self.log),
        }

    # What connections ask.

    def handler(self, url: bytes) -> Handler:
        """Who serves an address."""
        handler = self._routes.get(url)
        if handler is None:
            if len(self._routes) >= ROUTES_MAX:
                self._routes.clear()
            handler = self._routes[url] = self._route(url)
        return handler

    def reset_on_arrival(self) -> bool:
        """Draw `reset_before` for a request of which only the first bytes are here."""
        return self._desk.judge.reset_on_arrival()

    def note_reset(self, received: int) -> None:
        """Log a request that was reset before it was read."""
        channel = self.log.channel("http", "")
        self.log.add(channel, ("reset_before", "reset"), received, "")

    def note_refused(self, received: int, kind: str) -> None:
        """Log a request that could not be read."""
        self.log.add(self.log.channel("http", ""), (f"refused:{kind}", "ok"), received, "")

    @cached_property
    def _providers(self) -> dict[str, Callable[[str], Handler]]:
        """Those who serve paths, by the first part of these."""
        return {
            "discord": self._discord.handler,
            "line": self._line.handler,
            "push": self._webpush.handler,
            "slack": self._slack.handler,
            "twilio": self._twilio.handler,
            "viber": self._viber.handler,
            "vk": self._vk.handler,
            "vonage": self._vonage.handler,
        }

    def _route(self, url: bytes) -> Handler:
        path, _, query = url.decode("latin-1").partition("?")
        if path.startswith("/_/"):
            return self._control.handler(path, query)
        if path.startswith("/bot"):
            return self._telegram.handler(path, query)
        if path.startswith("/whatsapp/"):
            return self._whatsapp.handler(path, query)
        if self._direct.serves(path):
            return self._direct.handler(path)
        if self._mail_apis.serves(path):
            return self._mail_apis.handler(path, query)
        if provider := self._providers.get(path.split("/")[1] if path.count("/") > 1 else ""):
            return provider(path)
        webhook = self._webhook.handler(path)
        if path != "/":
            return webhook
        front = self._control.handler(path, query)
        return lambda conn: front(conn) if conn.method == b"GET" else webhook(conn)

    async def _listen(self, protocol: Any, port: int) -> int:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(protocol, self.host, port, backlog=BACKLOG)
        except OSError as error:
            # uvloop's and asyncio's own texts for a taken port are long and name it twice.
            has_number = error.errno is not None and error.errno > 0
            reason = os.strerror(error.errno or 0) if has_number else (error.strerror or str(error))
            sentence = f"The simulator cannot listen on {self.host} port {port}: {reason}."
            raise OSError(error.errno, sentence) from error
        self._servers.append(server)
        bound: socket.socket = server.sockets[0]
        return int(bound.getsockname()[1])

    async def _flush(self) -> None:
        while self._log_file:
            await asyncio.sleep(FLUSH_SECONDS)
            self._log_file.write()
            if self._log_file.error:
                print(self._log_file.error, file=sys.stderr, flush=True)
                return


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""A scripted SMSC on 127.0.0.1."""

import asyncio
from collections.abc import Awaitable, Callable

from clarion.transport.messages import SmppAccount, SmppRequest
from clarion.transport.smpp_pdu import (
    RESPONSE,
    Command,
    Party,
    Pdu,
    PduReader,
    ShortMessage,
    pack_message,
)
from transport.peers import PATIENCE, Peer

OK = "ok"
BINDS = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
Answer = Callable[["SmppPeer", Pdu, asyncio.StreamWriter], Awaitable[None]]


def submit(text: bytes = b"Hello", **fields: object) -> bytes:
    """The body of a submit_sm."""
    usual: dict[str, object] = {
        "source": Party(5, 0, "NEWS"),
        "destination": Party(1, 1, "4915112345678"),
        "content": text,
    }
    return pack_message(ShortMessage(**usual | fields))  # type: ignore[arg-type]


class SmppPeer(Peer):
    """An SMSC. ``script`` has an answer for each submit_sm, in order: a status, a coroutine
    function, or None for silence; after its end all are accepted. ``binds``: the statuses of the
    binds, in the same way."""

    def __init__(self, script: list[object], binds: list[int], *, mute: bool = False) -> None:
        super().__init__(self._talk)
        self.received: list[Pdu] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._script = script
        self._binds = binds
        self._mute = mute  # whether it answers no enquire_link
        self._ids = 0

    def account(self, **options: object) -> SmppAccount:
        usual: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "system_id": "clarion",
            "password": "secret",
            "allow_private": True,
        }
        return SmppAccount(**usual | options)  # type: ignore[arg-type]

    def request(self, *parts: bytes, timeout: float = PATIENCE, **options: object) -> SmppRequest:  # type: ignore[override]
        return SmppRequest(self.account(**options), parts or (submit(),), timeout)

    def check(self, **options: object) -> SmppRequest:
        return SmppRequest(self.account(**options), (), PATIENCE)

    def commands(self) -> list[int]:
        return [pdu.command for pdu in self.received]

    def submitted(self) -> list[Pdu]:
        return [pdu for pdu in self.received if pdu.command == Command.SUBMIT_SM]

    def send(self, pdu: Pdu, number: int = -1) -> None:
        """Send a packet on one of the connections, the newest by default."""
        self.writers[number].write(pdu.pack())

    def accept(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        self._ids += 1
        body = b"%d\0" % self._ids
        writer.write(Pdu(Command.SUBMIT_SM | RESPONSE, 0, pdu.sequence, body).pack())

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        stream = PduReader()
        while data := await reader.read(65536):
            for pdu in stream.feed(data):
                self.received.append(pdu)
                await self._answer(pdu, writer)

    async def _answer(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        response = pdu.command | RESPONSE
        if pdu.command & RESPONSE or (self._mute and pdu.command == Command.ENQUIRE_LINK):
            return
        if pdu.command in BINDS:
            status = self._binds.pop(0) if self._binds else 0
            writer.write(Pdu(response, status, pdu.sequence, b"" if status else b"smsc\0").pack())
        elif pdu.command == Command.SUBMIT_SM:
            answer = self._script.pop(0) if self._script else OK
            if answer == OK:
                self.accept(pdu, writer)
            elif isinstance(answer, int):
                writer.write(Pdu(response, answer, pdu.sequence).pack())
            elif callable(answer):
                await answer(self, pdu, writer)
        else:
            writer.write(Pdu(response, 0, pdu.sequence).pack())

"""Which addresses count as public, and that the address checked is the one connected to."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from clarion.transport import guard
from clarion.transport.errors import NotAllowed, NotSent
from clarion.transport.messages import HttpRequest

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.9.9",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "149.154.167.220",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_not_public(address):
    assert guard.kind_of_private(address)
    with pytest.raises(NotAllowed, match="can allow private addresses") as caught:
        guard.refuse_private("hooks.example", address)
    assert "hooks.example" in caught.value.named


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert guard.kind_of_private(address) is None
    guard.refuse_private("hooks.example", address)


def test_the_sentence_does_not_say_where_a_name_leads() -> None:
    with pytest.raises(NotAllowed) as refused:
        guard.refuse_private("intranet.example", "10.1.2.3")
    assert "10.1.2.3" not in refused.value.named
    assert refused.value.named.startswith("intranet.example is not on the public internet. ")
    assert refused.value.reason.startswith("The server is not on the public internet. ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1"])
async def test_the_client_refuses(http, host):
    with pytest.raises(NotSent, match="not on the public internet"):
        await http().send(HttpRequest("GET", f"http://{host}:1/"))


class Resolver:
    """Stands in for the event loop: a scripted name service, and a record of connections."""

    def __init__(self, answers: list[list[str]], dead: tuple[str, ...] = ()) -> None:
        self.answers, self.dead, self.connected = answers, dead, list[str]()

    async def getaddrinfo(self, host, port, **_):
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (each, port))
            for each in self.answers.pop(0)
        ]  # fmt: skip

    async def sock_connect(self, sock, address):
        self.connected.append(address[0])
        if address[0] in self.dead:
            raise ConnectionRefusedError(111, "refused")

    def time(self):
        return asyncio.get_running_loop().time()


@pytest.fixture
def resolver(monkeypatch):
    def install(*answers, dead=()):
        resolver = Resolver(list(answers), dead)
        fake = SimpleNamespace(get_running_loop=lambda: resolver, timeout_at=asyncio.timeout_at)
        monkeypatch.setattr(guard, "asyncio", fake)
        return resolver

    return install


async def connect(**options):
    deadline = asyncio.get_running_loop().time() + 5
    sock = await guard.connect(
        "hooks.example", 80, **{"allow_private": False, "deadline": deadline} | options
    )
    sock.close()


async def test_a_name_that_changes_its_mind(resolver):
    """DNS rebinding: each connection is judged by the very answer it is made with."""
    names = resolver(["8.8.8.8"], ["127.0.0.1"])
    await connect()
    with pytest.raises(NotSent, match="not on the public internet"):
        await connect()
    assert names.connected == ["8.8.8.8"]


async def test_private_answers_are_skipped_and_dead_ones_passed_over(resolver):
    names = resolver(["10.0.0.1", "2606:4700::1111", "8.8.8.8"], dead=("2606:4700::1111",))
    await connect()
    assert names.connected == ["2606:4700::1111", "8.8.8.8"]


async def test_every_address_dead(resolver):
    resolver(["8.8.8.8", "1.1.1.1"], dead=("8.8.8.8", "1.1.1.1"))
    with pytest.raises(NotSent, match="nothing accepts connections there"):
        await connect()


async def test_a_name_without_addresses(resolver):
    resolver([])
    with pytest.raises(NotSent, match="no address"):
        await connect()


async def test_private_when_allowed(resolver):
    names = resolver(["10.0.0.1"])
    await connect(allow_private=True)
    assert names.connected == ["10.0.0.1"]


async def test_a_resolver_that_hangs(resolver):
    names = resolver([])

    async def hang(*_, **__):
        await asyncio.Event().wait()

    names.getaddrinfo = hang
    with pytest.raises(NotSent, match="was not found"):
        await connect(deadline=asyncio.get_running_loop().time() + 0.02)

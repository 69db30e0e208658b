"""SMPP: what the SMSC answers, and what its silence means at every step."""

import asyncio

import pytest

from clarion.transport import smpp as smpp_module
from clarion.transport import smpp_session
from clarion.transport.errors import MaybeSent, NotAllowed, NotSent, Unavailable, WrongSettings
from clarion.transport.messages import SmppReply
from clarion.transport.smpp_pdu import RESPONSE, Command, Pdu, Status, pack_message
from clarion.transport.smpp_pdu import ShortMessage as Message
from support.ports import closed_port
from transport.peers import reset, until
from transport.smpp_peer import OK, SmppPeer, submit

UNBIND_RESP, ENQUIRE_RESP, DELIVER_RESP = 0x80000006, 0x80000015, 0x80000005
ACCEPTED = SmppReply("submit", 0, ("1",), 1)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """No waiting between two attempts."""
    monkeypatch.setattr(smpp_module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(smpp_module, "_RESTING", 0.0)
    monkeypatch.setattr(smpp_module, "_FIRST_WAIT", 0.01)


async def close(peer, pdu, writer):
    writer.close()


async def cut(peer, pdu, writer):
    reset(writer)


async def test_messages_share_one_bind_and_their_numbers_count_up(smsc, smpp):
    server, client = await smsc(), smpp()
    assert await client.send(server.request()) == ACCEPTED
    assert (await client.send(server.request())).ids == ("2",)
    await client.close()
    assert server.commands() == [
        Command.BIND_TRANSCEIVER, Command.SUBMIT_SM, Command.SUBMIT_SM, Command.UNBIND,
    ]  # fmt: skip
    assert [pdu.sequence for pdu in server.received] == [1, 2, 3, 4]
    assert server.received[0].body == b"clarion\0secret\0\0\x34\0\0\0"
    assert server.submitted()[0].body == submit()


async def test_numbers_begin_again_after_the_last_one(smsc, smpp, monkeypatch):
    monkeypatch.setattr(smpp_session, "LAST_SEQUENCE", 2)
    server, client = await smsc(), smpp()
    for _ in range(3):
        await client.send(server.request())
    assert [pdu.sequence for pdu in server.received] == [1, 2, 1, 2]


async def test_answers_may_come_in_any_order(smsc, smpp):
    waiting = []

    async def later(peer, pdu, writer):
        waiting.append(pdu)
        if len(waiting) == 3:
            for each in reversed(waiting):
                peer.accept(each, writer)

    server, client = await smsc(later, later, later), smpp()
    replies = await asyncio.gather(*(client.send(server.request()) for _ in range(3)))
    assert [reply.ids for reply in replies] == [("3",), ("2",), ("1",)]


async def test_no_more_messages_are_without_an_answer_than_the_window_allows(smsc, smpp):
    server, client = await smsc(None, None), smpp()
    sends = [asyncio.create_task(client.send(server.request(window=2))) for _ in range(4)]
    await until(lambda: len(server.submitted()) == 2)
    await client.send(server.check(window=2))  # it is answered: the others would have come before
    assert len(server.submitted()) == 2
    for pdu in server.submitted():
        server.accept(pdu, server.writers[0])
    await until(lambda: len(server.submitted()) == 4)
    assert [(await send).status for send in sends] == [0, 0, 0, 0]


@pytest.mark.parametrize("status", [Status.THROTTLED, Status.QUEUE_FULL, 0x0B, 0x45, 0x4FF])
async def test_a_refusal_is_an_answer(smsc, smpp, status):
    server = await smsc(int(status))
    assert await smpp().send(server.request()) == SmppReply("submit", status, (), 1)


async def test_a_refused_bind_is_an_answer_and_the_next_message_binds_anew(smsc, smpp):
    server, client = await smsc(binds=(0x0E, 0)), smpp()
    assert await client.send(server.request()) == SmppReply("bind", 0x0E)
    assert await client.send(server.request()) == ACCEPTED


async def test_many_messages_do_not_knock_at_once_at_an_account_that_was_refused(
    smsc, smpp, monkeypatch
):
    monkeypatch.setattr(smpp_module, "_RESTING", 3600.0)
    server, client = await smsc(binds=(0x0D,)), smpp()
    replies = await asyncio.gather(*(client.send(server.request()) for _ in range(5)))
    assert {reply.status for reply in replies} == {0x0D}
    assert len(server.received) == 1


@pytest.mark.parametrize("answer", [close, cut])
async def test_a_connection_that_ends_leaves_what_was_sent_in_doubt_and_nothing_else(
    smsc, smpp, answer
):
    server, client = await smsc(None, answer), smpp()
    sends = [
        asyncio.create_task(client.send(server.request(window=2, timeout=20.0))) for _ in range(2)
    ]
    waits = asyncio.create_task(client.send(server.request(window=2, timeout=20.0)))
    for send in sends:
        with pytest.raises(MaybeSent, match="its answer is missing"):
            await send
    assert (await waits).status == 0  # it was not sent, so it went by the next connection
    assert len(server.submitted()) == 3


@pytest.mark.parametrize("window", [1, 10, 50])
async def test_a_reset_leaves_exactly_as_many_in_doubt_as_the_window_had_without_an_answer(
    smsc, smpp, window
):
    unanswered = [None] * (window - 1)
    server, client = await smsc(*[0] * window, *unanswered, cut), smpp()
    requests = [server.request(window=window, timeout=20.0) for _ in range(4 * window)]
    replies = await asyncio.gather(*map(client.send, requests), return_exceptions=True)
    in_doubt = [reply for reply in replies if isinstance(reply, MaybeSent)]
    accepted = [reply for reply in replies if isinstance(reply, SmppReply) and reply.status == 0]
    assert (len(in_doubt), len(accepted)) == (window, 3 * window)
    assert len(server.submitted()) == 4 * window  # none of them twice


async def test_a_connection_that_was_closed_while_idle_costs_no_message(smsc, smpp):
    server, client = await smsc(), smpp()
    await client.send(server.request())
    server.writers[0].close()
    await server.writers[0].wait_closed()
    assert (await client.send(server.request())).ids == ("2",)
    assert server.connections == 2


async def test_no_answer_in_time_leaves_it_in_doubt(smsc, smpp, hourglass):
    server, client = await smsc(None), smpp()
    glass = hourglass(smpp_module)
    send = asyncio.create_task(client.send(server.request()))
    await until(server.submitted)
    glass.run_out()
    with pytest.raises(MaybeSent, match="no answer for"):
        await send
    assert (await client.send(server.request())).status == 0  # the connection is still good


async def test_a_full_window_at_the_end_of_the_time_means_not_sent(smsc, smpp, hourglass):
    server, client = await smsc(None), smpp()
    glass = hourglass(smpp_module)
    first = asyncio.create_task(client.send(server.request(window=1)))
    await until(server.submitted)
    second = asyncio.create_task(client.send(server.request(window=1)))
    await client.send(server.check(window=1))
    glass.run_out()
    with pytest.raises(MaybeSent):
        await first
    with pytest.raises(Unavailable):
        await second


async def test_nobody_there(smpp):
    server = SmppPeer([], [])
    with closed_port() as server.port, pytest.raises(Unavailable, match="nothing accepts"):
        await smpp().send(server.request())


async def test_private_addresses_are_refused_unless_allowed(smsc, smpp):
    server = await smsc()
    with pytest.raises(NotAllowed, match="not on the public internet"):
        await smpp().send(server.request(allow_private=False))
    assert server.connections == 0


async def test_a_server_that_never_answers_the_bind(peer, smpp, hourglass):
    glass, heard = hourglass(smpp_session), asyncio.Event()

    async def serve(reader, writer):
        await reader.read(100)
        heard.set()
        await reader.read(100)

    started = await peer(serve)
    server = SmppPeer([], [])
    server.port = started.port
    send = asyncio.create_task(smpp().send(server.request()))
    await heard.wait()
    glass.run_out()
    with pytest.raises(Unavailable, match="did not answer the connection in time"):
        await send


@pytest.mark.parametrize(
    "octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(16), b"\xff" * 16, b"\0\0\0\x0f" * 4]
)
async def test_what_is_not_smpp_ends_the_connection(smsc, smpp, octets):
    async def garbage(peer, pdu, writer):
        writer.write(octets)

    server, client = await smsc(garbage), smpp()
    with pytest.raises(MaybeSent, match="what it sent is not SMPP"):
        await client.send(server.request())
    assert (await client.send(server.request())).status == 0
    nack = Pdu(Command.GENERIC_NACK, Status.INVALID_LENGTH, 0)
    await until(lambda: nack in server.received)


async def test_answers_that_nobody_waits_for_change_nothing(smsc, smpp):
    async def confused(peer, pdu, writer):
        for command, sequence in [(0x80000004, 99), (0x80000015, pdu.sequence), (0x80000103, 7)]:
            writer.write(Pdu(command, 0, sequence).pack())
        peer.accept(pdu, writer)

    assert await smpp().send((await smsc(confused)).request()) == ACCEPTED


async def test_a_packet_that_was_not_understood_is_a_refusal(smsc, smpp):
    async def nack(peer, pdu, writer):
        writer.write(Pdu(Command.GENERIC_NACK, 3, pdu.sequence).pack())

    assert (await smpp().send((await smsc(nack)).request())).status == 3


async def test_a_packet_of_nobody_that_was_not_understood_ends_the_connection(smsc, smpp):
    async def nack(peer, pdu, writer):
        writer.write(Pdu(Command.GENERIC_NACK, 2, 0).pack())

    with pytest.raises(MaybeSent, match="did not understand"):
        await smpp().send((await smsc(nack)).request())


async def test_tls_and_a_certificate_that_nobody_vouches_for(smsc, smpp, server_tls, trusting):
    server = await smsc(tls=server_tls)
    secured = {"security": "tls", "host": "localhost"}
    assert await smpp(tls=trusting).send(server.request(**secured)) == ACCEPTED
    with pytest.raises(WrongSettings, match="certificate is not trusted"):
        await smpp().send(server.request(**secured))


# several parts


async def test_parts_are_sent_one_after_the_other(smsc, smpp):
    server = await smsc()
    reply = await smpp().send(server.request(submit(b"1"), submit(b"2"), submit(b"3")))
    assert reply == SmppReply("submit", 0, ("1", "2", "3"), 3)
    assert [pdu.body for pdu in server.submitted()] == [submit(b"1"), submit(b"2"), submit(b"3")]


async def test_a_refused_first_part_means_that_nothing_was_sent(smsc, smpp):
    server = await smsc(Status.THROTTLED)
    reply = await smpp().send(server.request(submit(b"1"), submit(b"2")))
    assert reply == SmppReply("submit", Status.THROTTLED, (), 2)
    assert len(server.submitted()) == 1


async def test_a_throttled_later_part_is_sent_again(smsc, smpp):
    server = await smsc(OK, Status.THROTTLED, Status.QUEUE_FULL)
    reply = await smpp().send(server.request(submit(b"1"), submit(b"2")))
    assert (reply.status, len(reply.ids)) == (0, 2)
    assert [pdu.body for pdu in server.submitted()] == [submit(b"1"), *[submit(b"2")] * 3]


async def test_a_throttled_later_part_is_given_up_at_the_end_of_the_time(
    smsc, smpp, hourglass, monkeypatch
):
    monkeypatch.setattr(smpp_module, "_FIRST_PAUSE", 3600.0)
    server, client = await smsc(OK, Status.THROTTLED), smpp()
    glass = hourglass(smpp_module)
    send = asyncio.create_task(client.send(server.request(submit(b"1"), submit(b"2"))))
    await until(lambda: len(server.submitted()) == 2)
    await client.send(server.check())  # the answer before it has come as well
    glass.run_out()
    assert await send == SmppReply("submit", Status.THROTTLED, ("1",), 2)


async def test_a_refused_later_part_tells_which_ones_were_accepted(smsc, smpp):
    server = await smsc(OK, 0x45)
    reply = await smpp().send(server.request(submit(b"1"), submit(b"2"), submit(b"3")))
    assert reply == SmppReply("submit", 0x45, ("1",), 3)


async def test_no_answer_to_a_later_part_leaves_the_message_in_doubt(smsc, smpp):
    server = await smsc(OK, close)
    with pytest.raises(MaybeSent, match=r"part 2 of 2 of the message is missing"):
        await smpp().send(server.request(submit(b"1"), submit(b"2")))


async def test_a_later_part_goes_by_the_next_connection_if_it_was_not_sent(smsc, smpp):
    async def accept_and_unbind(peer, pdu, writer):
        accepted = Pdu(Command.SUBMIT_SM | RESPONSE, 0, pdu.sequence, b"first\0")
        writer.write(accepted.pack() + Pdu(Command.UNBIND, 0, 77).pack())

    server = await smsc(accept_and_unbind)
    reply = await smpp().send(server.request(submit(b"1"), submit(b"2")))
    assert reply == SmppReply("submit", 0, ("first", "1"), 2)
    assert server.connections == 2


# a connection that is kept


class Ear:
    """Keeps what the SMSC sends."""

    def __init__(self, *answers):
        self.packets = []
        self.troubles = []
        self.waits = []
        self._answers = list(answers)

    def troubled(self, trouble, wait):
        self.troubles.append(trouble)
        self.waits.append(wait)

    async def hear(self, packet):
        self.packets.append(packet)
        answer = self._answers.pop(0) if self._answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


def deliver(sequence=1, text=b"STOP"):
    return Pdu(Command.DELIVER_SM, 0, sequence, pack_message(Message(content=text)))


async def test_a_delivered_packet_is_answered_once_it_is_kept(smsc, smpp):
    server, client, ear = await smsc(), smpp(), Ear(True, False, RuntimeError("full"))
    client.keep(server.account(), ear.hear, ear.troubled)
    await until(lambda: server.received)
    for sequence in (5, 6, 7):
        server.send(deliver(sequence))
        await until(lambda wanted=sequence: server.received[-1].sequence == wanted)
    assert [(pdu.command, pdu.status, pdu.body) for pdu in server.received[1:]] == [
        (DELIVER_RESP, 0, b"\0"),
        (DELIVER_RESP, Status.TRY_AGAIN, b"\0"),
        (DELIVER_RESP, Status.TRY_AGAIN, b"\0"),
    ]
    assert ear.packets == [deliver(sequence).pack() for sequence in (5, 6, 7)]


async def test_packets_are_not_taken_faster_than_they_are_kept(smsc, smpp, monkeypatch):
    monkeypatch.setattr(smpp_session, "MOST_HEARD", 2)
    go_on = asyncio.Event()

    async def slow(packet):
        await go_on.wait()
        return True

    server, client = await smsc(), smpp()
    client.keep(server.account(), slow, print)
    await until(lambda: server.received)
    for sequence in (5, 6, 7):
        server.send(deliver(sequence))
    await until(lambda: len(server.received) == 2)
    assert server.received[-1] == Pdu(DELIVER_RESP, Status.TRY_AGAIN, 7, b"\0")
    go_on.set()
    await until(lambda: len(server.received) == 4)
    assert {(pdu.sequence, pdu.status) for pdu in server.received[2:]} == {(5, 0), (6, 0)}


async def test_without_a_listener_a_packet_is_to_come_again(smsc, smpp):
    server, client = await smsc(), smpp()
    await client.send(server.request())
    server.send(deliver())
    await until(lambda: server.received[-1].command == DELIVER_RESP)
    assert server.received[-1].status == Status.TRY_AGAIN


async def test_other_packets_of_the_smsc(smsc, smpp):
    server, client = await smsc(), smpp()
    await client.send(server.request())
    server.send(Pdu(0x102, 0, 8))  # alert_notification has no answer
    server.send(Pdu(Command.ENQUIRE_LINK, 0, 9))
    server.send(Pdu(0x21, 0, 10))  # submit_multi is none of the SMSC's
    await until(lambda: len(server.received) == 4)
    assert server.received[2:] == [
        Pdu(ENQUIRE_RESP, 0, 9),
        Pdu(Command.GENERIC_NACK, Status.INVALID_COMMAND, 10),
    ]


async def test_a_kept_connection_comes_back(smsc, smpp):
    server, client, ear = await smsc(binds=(0, 0x08, 0)), smpp(), Ear()
    client.keep(server.account(), ear.hear, ear.troubled)
    await until(lambda: len(server.received) == 1)
    server.writers[0].close()
    await until(lambda: len(server.received) == 3)
    assert [trouble.reply.status for trouble in ear.troubles] == [0x08]
    assert ear.waits == [0.02]  # twice as long as after the connection had ended
    server.send(deliver())
    await until(lambda: ear.packets)
    await client.release(server.account())
    assert server.commands()[-1] == Command.UNBIND


async def test_nothing_is_opened_for_a_message_after_its_account_was_released(smsc, smpp):
    server, client, ear = await smsc(), smpp(), Ear()
    client.keep(server.account(), ear.hear, ear.troubled)
    assert await client.send(server.request()) == ACCEPTED
    await client.release(server.account())
    with pytest.raises(Unavailable):
        await client.send(server.request())
    assert server.connections == 1
    client.keep(server.account(), ear.hear, ear.troubled)
    assert (await client.send(server.request())).status == 0


async def test_a_connection_that_is_opened_too_late_is_closed_again(smsc, smpp):
    server, client = await smsc(), smpp()
    sending = asyncio.create_task(client.send(server.request()))
    while not server.received:
        await asyncio.sleep(0)
    await client.release(server.account())
    with pytest.raises(NotSent):
        await sending
    await until(lambda: server.commands()[-1] == Command.UNBIND)
    assert not server.submitted()


async def test_a_receiver_and_a_transmitter(smsc, smpp):
    server, client, ear = await smsc(), smpp(), Ear()
    client.keep(server.account(separate=True), ear.hear, ear.troubled)
    await until(lambda: len(server.received) == 2)
    assert (await client.send(server.request(separate=True))).status == 0
    server.send(deliver(), 0)
    await until(lambda: ear.packets)
    assert server.commands()[:3] == [
        Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.SUBMIT_SM,
    ]  # fmt: skip


async def test_the_smsc_says_goodbye(smsc, smpp):
    async def unbind(peer, pdu, writer):
        writer.write(Pdu(Command.UNBIND, 0, 77).pack())
        peer.accept(pdu, writer)

    server, client = await smsc(unbind), smpp()
    assert await client.send(server.request()) == ACCEPTED  # it was answered in time
    assert (await client.send(server.request())).ids == ("2",)
    assert Pdu(UNBIND_RESP, 0, 77) in server.received
    assert server.connections == 2


async def test_a_silent_connection_is_asked_and_closed(smsc, smpp, monkeypatch):
    monkeypatch.setattr(smpp_session, "_PATIENCE", 0.05)
    server, client = await smsc(None, mute=True), smpp()
    with pytest.raises(MaybeSent, match="no sign of life"):
        await client.send(server.request(enquire=0.05))
    assert server.commands()[:3] == [
        Command.BIND_TRANSCEIVER, Command.SUBMIT_SM, Command.ENQUIRE_LINK,
    ]  # fmt: skip


async def test_a_connection_that_gives_signs_of_life_stays(smsc, smpp):
    server, client = await smsc(), smpp()
    await client.send(server.request(enquire=0.01))
    await until(lambda: server.commands().count(Command.ENQUIRE_LINK) > 2)
    await client.send(server.request(enquire=0.01))
    assert server.connections == 1


async def test_a_check_binds_and_asks(smsc, smpp):
    server = await smsc()
    assert await smpp().send(server.check()) == SmppReply("check", 0)
    assert server.commands() == [Command.BIND_TRANSCEIVER, Command.ENQUIRE_LINK]
    refusing = await smsc(binds=(0x0F,))
    assert await smpp().send(refusing.check()) == SmppReply("bind", 0x0F)


async def test_nothing_is_sent_once_it_is_closed(smsc, smpp):
    server, client = await smsc(), smpp()
    await client.close()
    with pytest.raises(NotSent, match="closing its connection"):
        await client.send(server.request())


async def test_a_cancelled_message_gives_its_place_back(smsc, smpp):
    server, client = await smsc(None), smpp()
    send = asyncio.create_task(client.send(server.request(window=1)))
    await until(server.submitted)
    send.cancel()
    with pytest.raises(asyncio.CancelledError):
        await send
    assert (await client.send(server.request(window=1))).status == 0

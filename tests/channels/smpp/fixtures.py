"""An SMSC: what it answers and sends. The octets of packets are tested in transport/."""

from typing import Any

from channels.fixtures import HTML, NOW, Case
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.smpp.config import SmppConfig
from clarion.channels.smpp.kind import SmppKind
from clarion.transport.messages import HttpReply, SmppReply, SmtpReply
from clarion.transport.smpp_pdu import Command, Party, Pdu, ShortMessage, Tag, pack_message

PASSWORD = "s3cr3t-4711"
PERSON, SHORT_CODE = Party(1, 1, "4915112345678"), Party(3, 0, "12345")
# The text of a receipt as SMPP 3.4 has it in appendix B; the values are those of an example of
# Vonage: https://help.nexmo.com/hc/en-us/articles/215468998.
RECEIPT = (
    b"id:0000000012345678 sub:001 dlvrd:001 submit date:1601010100 done date:1601010101 "
    b"stat:%b err:%b text:none"
)


def packet(command: int = Command.DELIVER_SM, **fields: Any) -> HookRequest:
    """A deliver_sm as it is stored."""
    usual: dict[str, Any] = {"source": PERSON, "destination": SHORT_CODE}
    body = pack_message(ShortMessage(**usual | fields))
    return HookRequest({}, "", Pdu(command, 0, 7, body).pack(), NOW)


def receipt(state: bytes = b"DELIVRD", error: bytes = b"000", **fields: Any) -> HookRequest:
    """A receipt whose facts are in its text."""
    return packet(content=RECEIPT % (state, error), esm_class=4, **fields)


def refused(status: int, text: str = "") -> SmppReply:
    """A refusal of a message of one part."""
    return SmppReply("submit", status, (), 1, text)


CASE = Case(
    kind="smpp",
    settings={
        "host": "smpp.example.org",
        "system_id": "clarion-user",
        "password": PASSWORD,
        "sender": "NEWS",
    },
    secrets=(PASSWORD,),
    message=Outgoing("abc-17", 3, "4915112345678", "Hello Anna", "Spring", "Anna"),
    accepted=SmppReply("submit", 0, ("0A1B2C3D",), 1),
    user_ids={
        "4915112345678": "4915112345678",
        "+49 151 123-45678": "4915112345678",
        "0049 (0) 151 12345678": "4915112345678",
    },
    bad_user_ids={"country": ("015112345678",), "phone number": ("+49x", "+12")},
    id_columns={"id,name,MSISDN": "MSISDN", "Phone,mail": "Phone"},
    replies={
        "throttled": (refused(0x58), Refusal.THROTTLED),
        "queue full": (refused(0x14), Refusal.THROTTLED),
        "system error": (refused(0x08, "try later"), Refusal.RETRY),
        "another status of the vendor": (refused(0x4A1), Refusal.RETRY),
        "no such number": (refused(0x0B), Refusal.UNREACHABLE),
        "rejected": (refused(0x66), Refusal.REJECTED),
        "wrong sender": (refused(0x0A), Refusal.MISCONFIGURED),
        "not bound": (refused(0x04), Refusal.UNAVAILABLE),
        "wrong password": (SmppReply("bind", 0x0E), Refusal.MISCONFIGURED),
        "bound already": (SmppReply("bind", 0x05), Refusal.UNAVAILABLE),
        "bind failed": (SmppReply("bind", 0x0D), Refusal.UNAVAILABLE),
        "a later part refused": (SmppReply("submit", 0x45, ("1",), 3), Refusal.REJECTED),
        "a later part not sent": (
            SmppReply("submit", None, ("1",), 3, problem="the other side closed the connection"),
            Refusal.REJECTED,
        ),
        "without an id": (SmppReply("submit", 0, ("",), 1), None),
        "a check": (SmppReply("check", 0), Refusal.UNKNOWN),
        "HTML": (HttpReply(502, {}, HTML), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("data", 250, "ok"), Refusal.UNKNOWN),
    },
    heard=lambda: packet(content=b"STOP"),
    told=(
        Inbound("4915112345678", "060de431fae8da2e7fef04d977124ad5", "STOP", NOW),
        OptOut("4915112345678", "opted_out", NOW),
    ),
    others=(receipt, lambda: receipt(b"UNDELIV", b"1")),
    forged={"anything": lambda: HookRequest({}, "", b"{}", NOW)},
    unknown=(
        receipt(b"ENROUTE").body,
        packet(content=b"status", esm_class=0x08).body,
        packet(content=b"\x01\x02", data_coding=4).body,
        packet(source=Party(5, 0, "INFO"), content=b"hi").body,
        packet(content=b"", esm_class=4, optional=((Tag.MESSAGE_STATE, b"\2"),)).body,
    ),
    rehearsal=Rehearsal(
        kind="smpp",
        settings=lambda simulator: {
            "host": "127.0.0.1",
            "port": simulator.smpp_port,
            "system_id": "news",
            "password": "good",
            "sender": "NEWS",
            "allow_private": True,
        },
        recipient="491711",
        faulty="491711!{fault}",
        person=lambda number: f"4915{number:09}",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "retry",
            "400": "unreachable",
            "blocked": "rejected",
            "deactivated": "unreachable",
            "429": "throttled",
            "html502": "throttled",
            "empty": "maybe sent",
            "cut": "maybe sent",
            "cut-json": "maybe sent",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",  # nobody can know: it was one packet
        },
        wait=1.0,
        good="the login works",
        wrong={"password": "wrong"},
        bad="refused the login",
        key="",
        keeps_external_id=True,
    ),
)


def make(**changes: Any) -> SmppKind:
    """The kind with the settings of its Case, or with these instead."""
    return SmppKind(SmppConfig.model_validate({**CASE.settings, **changes}))

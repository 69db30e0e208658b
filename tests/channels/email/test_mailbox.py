"""The mailbox of bounces: what is asked for, and what its server's answers mean."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from channels.email.fixtures import CASE, OWN, answer, mail, make
from clarion.channels.abilities import FetchRefused
from clarion.channels.email import mailbox
from clarion.channels.email.config import EmailConfig
from clarion.transport.messages import HttpReply, ImapReply, ImapRequest


def fetched(*contents: bytes, more: bool = False) -> ImapReply:
    """A reply with these messages."""
    messages = tuple(enumerate(contents, 8))
    return ImapReply("done", validity=5, last=7 + len(contents), messages=messages, more=more)


def test_it_goes_on_where_it_ended() -> None:
    kind = make(**OWN)
    assert (kind.fetch("").validity, kind.fetch("5:7").validity, kind.fetch("5:7").after) == (
        0, 5, 7,
    )  # fmt: skip
    first = kind.fetched(ImapReply("done", validity=5, last=7), "")
    folder = first.cursor.removeprefix("5:7:")
    assert (first.cursor, first.bodies, first.pause) == (f"5:7:{folder}", (), 60.0)
    then = kind.fetched(fetched(b"a", b"b", more=True), "5:7")
    assert (then.cursor, then.bodies, then.requests, then.pause) == (
        f"5:9:{folder}", (b"a", b"b"), (), 0.0,
    )  # fmt: skip
    assert (kind.fetch(then.cursor).validity, kind.fetch(then.cursor).after) == (5, 9)


@pytest.mark.parametrize("setting", ["bounce_host", "bounce_username", "bounce_folder"])
def test_the_place_in_one_mailbox_says_nothing_of_another(setting: str) -> None:
    cursor = make(**OWN).fetched(ImapReply("done", validity=1, last=50_000), "").cursor
    request = make(**{**OWN, setting: "other.example.org"}).fetch(cursor)
    assert (request.validity, request.after) == (-1, 0), "both folders may have the UIDVALIDITY 1"
    assert make(**OWN).fetch(cursor).after == 50_000


def test_the_days_that_are_read_again_are_named_as_imap_names_them() -> None:
    since = make(**OWN).fetch("5:7").since
    assert re.fullmatch(r"[1-9]\d?-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-20\d\d", since)
    assert mailbox._day(datetime(2026, 3, 7, tzinfo=UTC)) == "7-Mar-2026"


def test_reports_are_deleted_where_that_is_wanted_and_nothing_else() -> None:
    reply = fetched(mail("bounce"), answer(), mail("complaint"))
    assert make(**OWN).fetched(reply, "5:7").requests == ()
    (request,) = make(**OWN, bounce_delete=True).fetched(reply, "5:7").requests
    assert isinstance(request, ImapRequest)
    assert (request.delete, request.validity) == ((8, 10), 5)
    assert make(**OWN, bounce_delete=True).fetched(fetched(answer()), "5:7").requests == ()


@pytest.mark.parametrize(
    ("fields", "is_deleted"),
    [
        ("Auto-Submitted: auto-generated", False),  # an invoice, an alert
        ("X-Auto-Response-Suppress: All", False),
        ("Precedence: junk", False),
        ("Return-Path: <>", False),
        ("Auto-Submitted: auto-generated\r\nReferences: <a.b@github.example>", False),
        ("Auto-Submitted: auto-replied", True),
        ("Precedence: auto_reply", True),
        ("Auto-Submitted: auto-generated\r\nIn-Reply-To: <abc-17@example.org>", True),
    ],
)
def test_of_what_programs_write_only_replies_are_deleted(fields: str, is_deleted: bool) -> None:
    raw = f"From: Shop <shop@example.com>\r\n{fields}\r\n\r\nYour invoice".encode()
    requests = make(**OWN, bounce_delete=True).fetched(fetched(raw), "5:7").requests
    assert bool(requests) == is_deleted


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (ImapReply("connect", "no STARTTLS"), "refuses our connections: no STARTTLS"),
        (ImapReply("login", f"{OWN['bounce_password']} is wrong"), "Check the mailbox user name"),
        (ImapReply("folder", "not found"), "folder “INBOX” of the mailbox can't be opened"),
        (ImapReply("read", ""), "The mailbox can't be read."),
        (ImapReply("done"), "does not number its messages"),
        (HttpReply(200, {}, b""), "can't be understood"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_is_not_repeated_soon(reply: Any, words: str) -> None:
    kind = make(**OWN)
    with pytest.raises(FetchRefused, match=words) as refused:
        kind.fetched(reply, "")
    assert refused.value.wait >= 60  # servers lock out who logs in again and again
    assert OWN["bounce_password"] not in str(refused.value)
    with pytest.raises(ValueError, match=words):
        kind.further_checked(reply)


def test_without_a_mailbox_nothing_is_asked() -> None:
    kind = make(**dict.fromkeys(OWN, ""))
    assert not kind.fetches()
    assert kind.further_check() is None
    assert make(**OWN).fetches()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bounce_username": ""}, "Fill in all three"),
        ({"bounce_password": ""}, "Fill in all three"),
        ({"bounce_host": "https://imap.example.org"}, "imap.example.org"),
        ({"bounce_address": "nobody"}, "not an e-mail address"),
        ({"bounce_folder": "a\nb"}, "name of one folder"),
        ({"bounce_interval": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_can_not_work_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmailConfig.model_validate({**CASE.settings, **changes})

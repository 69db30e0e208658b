"""Files of e-mails: encoded once, transferred by each kind, refused in words."""

import base64
import email
import email.policy
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from channels.cases import CASES
from channels.email.fixtures import CASE as SMTP
from channels.fixtures import Case
from channels.mailing.test_dkim import KEYS, is_valid, pem
from channels.rehearsal import Stage
from channels.test_contract import carried
from clarion.channels.contract import Accepted, Outgoing, Request, Unsendable
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.kind import EmailKind
from clarion.channels.mailing import files
from clarion.channels.mailing.dkim import relaxed_body
from clarion.channels.mailing.files import base64_of, content_id_of, size_in_mail, tail_of
from clarion.kit.parts import Mail, Media
from clarion.transport.messages import HttpRequest, SmtpRequest

MAIL_CASES = [case for case in CASES.values() if case.make().limits.mail]
EACH = pytest.mark.parametrize("case", MAIL_CASES, ids=[case.make().kind for case in MAIL_CASES])
PDF = Media("file", "", "Menü für März.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256)))
CSV = Media("file", "", "list.csv", "text/csv", b". a,b\r\n..\r\n" * 40)
LOGO = Media("image", "", "logo.png", "image/png", b"\x89PNG" * 50, sha256="5e" * 32)
SHOWN = replace(LOGO, content_id=content_id_of(LOGO))
PAGE = f'<!DOCTYPE html>\n<html><body><img src="cid:{SHOWN.content_id}" alt="Logo"></body></html>'


def outgoing(**of_mail: Any) -> Outgoing:
    return Outgoing("abc-17", 3, "anna@example.org", "Hello", "Spring", mail=Mail(**of_mail))


def parsed(data: bytes) -> EmailMessage:
    mail = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    assert isinstance(mail, EmailMessage)
    assert all(not part.defects for part in mail.walk())
    assert b"\n" not in data.replace(b"\r\n", b"")
    return mail


def transferred(request: Request) -> bytes:
    """The e-mail of a request, where it is one; else the request's body."""
    if not isinstance(request, HttpRequest):
        return carried(request)
    if b'"Raw"' not in request.body:
        return request.body
    return b64decode(json.loads(request.body)["Content"]["Raw"]["Data"], validate=True)


@EACH
def test_attachments_and_pictures_of_the_page_arrive(case: Case) -> None:
    message = outgoing(html=PAGE, attachments=(PDF, CSV), images=(SHOWN,))
    request = case.make().request(message)
    sent = transferred(request)
    packed = sent.replace(b"\r\n", b"")
    for media in (PDF, CSV, LOGO):
        assert b64encode(media.data or b"") in packed
    assert f"cid:{SHOWN.content_id}".encode() in sent.replace(b"=\r\n", b"").replace(b"=3D", b"=")


def test_a_mail_program_finds_them() -> None:
    kind = SMTP.make()
    request = kind.request(outgoing(html=PAGE, attachments=(PDF, CSV), images=(SHOWN,)))
    assert isinstance(request, SmtpRequest)
    mail = parsed(request.whole)
    menu, table = mail.iter_attachments()
    assert (menu.get_filename(), menu.get_content_type()) == (PDF.name, PDF.content_type)
    assert menu.get_payload(decode=True) == PDF.data
    assert table.get_payload(decode=True) == CSV.data
    related = next(mail.iter_parts())
    assert related.get_content_type() == "multipart/related"
    texts, picture = related.iter_parts()
    assert texts.get_content_type() == "multipart/alternative"
    assert picture["Content-ID"] == f"<{SHOWN.content_id}>"
    assert picture.get_payload(decode=True) == LOGO.data


def test_files_are_encoded_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = list[int]()

    def counted(data: bytes) -> bytes:
        encoded.append(len(data))
        return original(data)

    original = base64.encodebytes
    monkeypatch.setattr(files, "encodebytes", counted)
    own = replace(PDF, data=b"only in this test", name="own.pdf")
    kind = SMTP.make()
    requests = [
        kind.request(replace(outgoing(attachments=(own,)), to=f"p{number}@example.org"))
        for number in range(20)
    ]
    assert encoded == [len(b"only in this test")]
    assert len({id(request.tail) for request in requests if isinstance(request, SmtpRequest)}) == 1


def test_what_was_only_measured_is_never_taken_for_the_file_itself() -> None:
    measured = replace(PDF, data=None, unread=265, sha256="ab" * 32)
    kind = SMTP.make()
    kind.request(outgoing(attachments=(measured,)))
    request = kind.request(outgoing(attachments=(replace(PDF, sha256="ab" * 32),)))
    assert isinstance(request, SmtpRequest)
    assert b64encode(PDF.data or b"") in request.tail.replace(b"\r\n", b"")


def test_neither_smtp_nor_dkim_changes_the_files() -> None:
    tail = tail_of((SHOWN,), (PDF, CSV))
    assert relaxed_body(tail) == tail
    assert b"\r\n." not in tail
    assert tail.endswith(b"--\r\n")


@pytest.mark.parametrize("length", range(4))
def test_base64_of_both_is_that_of_the_whole(length: int) -> None:
    head, tail = b"x" * length, tail_of((), (PDF,))
    assert b64decode(base64_of(head, tail), validate=True) == head + tail
    assert base64_of(head, b"") == b64encode(head)


def test_the_estimate_of_a_size_is_never_too_small() -> None:
    for size in (0, 1, 56, 57, 58, 10_000):
        media = replace(PDF, data=b"x" * size, name=f"{'ü' * 60}.pdf")
        assert len(tail_of((), (media,))) - len("--=_attached--\r\n") <= size_in_mail(size) + 300


@EACH
def test_too_much_is_refused_before_it_is_sent(case: Case) -> None:
    kind = case.make()
    most = kind.limits.mail_size
    assert most >= 10_000_000
    small = replace(PDF, data=None, unread=int(most * 0.7))
    large = replace(PDF, data=None, unread=int(most * 0.75))
    kind.request(outgoing(attachments=(small,)))
    with pytest.raises(Unsendable, match=f"accepts at most {most // 1_000_000} MB"):
        kind.request(outgoing(attachments=(large,)))


@pytest.mark.parametrize(("name", "kinds"), [("a.EXE", {"ses", "postmark"}), ("a.js", {"ses"})])
def test_a_type_that_a_provider_refuses_is_refused(name: str, kinds: set[str]) -> None:
    message = outgoing(attachments=(replace(PDF, name=name),))
    for case in MAIL_CASES:
        kind = case.make()
        if kind.kind not in kinds:
            kind.request(message)
            continue
        with pytest.raises(Unsendable, match=f"accepts no .{name[2:].lower()} files"):
            kind.request(message)


def test_only_kinds_of_e_mail_have_a_size_of_e_mails() -> None:
    for case in CASES.values():
        limits = case.make().limits
        assert bool(limits.mail_size) == limits.mail


@EACH
async def test_the_simulator_notes_what_arrived(case: Case, stage: Stage) -> None:
    assert case.rehearsal is not None
    mail = Mail(html=PAGE, attachments=(PDF, CSV), images=(SHOWN,))
    assert isinstance(await stage.send(case.rehearsal, mail=mail), Accepted)
    noted = (await stage.last_entry())["files"]
    assert sorted((each["name"], each["size"], each["disposition"]) for each in noted) == [
        (PDF.name, 265, "attachment"), ("list.csv", 440, "attachment"), ("logo.png", 200, "inline"),
    ]  # fmt: skip


def test_a_signature_covers_the_files() -> None:

    settings = {**SMTP.settings, "dkim_domain": "example.org", "dkim_selector": "c"}
    kind = EmailKind(EmailConfig.model_validate({**settings, "dkim_key": pem(KEYS["ed25519"])}))
    request = kind.request(outgoing(attachments=(PDF, CSV)))
    assert is_valid(request.whole, KEYS["ed25519"])
    assert not is_valid(request.whole[:-40] + b"x" + request.whole[-39:], KEYS["ed25519"])

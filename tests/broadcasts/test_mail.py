"""What an e-mail has beside its subject and text: stored, checked, copied."""

from typing import Any

import pytest

from clarion.broadcasts import drafts, singles
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.mail import LONGEST
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import check_parts, content_problems
from clarion.channels.models import Channel
from clarion.engine.snapshot import job
from support import factory

pytestmark = pytest.mark.django_db
HEAD = {
    "preheader": "Only for {{ contact.name }}",
    "from_name": "Anna of the shop",
    "reply_to": "help@example.org",
}


@pytest.fixture
def mail() -> Channel:
    return factory.channel("Mail", "email")


def draft(channel: Channel, **fields: Any) -> Broadcast:
    return drafts.create_draft(by=factory.BY, channels=[channel], text="Hi", **fields)


def test_an_edit_keeps_what_it_leaves_out_and_removes_what_is_empty(mail: Channel) -> None:
    broadcast = draft(mail, mail=HEAD)
    drafts.edit_draft(broadcast, by=factory.BY, mail={"from_name": "", "preheader": " New\n one "})
    assert broadcast.mail == {"preheader": "New  one", "reply_to": "help@example.org"}


@pytest.mark.parametrize("fields", [{"preheader": "x" * (LONGEST + 1)}, {"bcc": "a@x.example"}])
def test_what_no_draft_can_hold_is_refused(mail: Channel, fields: dict[str, str]) -> None:
    with pytest.raises(LaunchError):
        draft(mail, mail=fields)


def test_each_is_checked_as_a_template_where_a_channel_sends_e_mail(mail: Channel) -> None:
    wrong = {"preheader": "{{ contact.nobody }}", "from_name": "{{", "reply_to": "no address"}
    broadcast = draft(mail, mail=wrong)
    problems = [text for text, part in check_parts(broadcast).items() if part == "mail"]
    assert [text.partition(":")[0] for text in problems] == [
        "Preheader", "Sender's name", "Reply-to",
    ]  # fmt: skip
    assert content_problems(broadcast, [factory.channel("Hook")]) == []


def test_a_test_send_has_them_too(mail: Channel) -> None:
    person = factory.address(mail, "dana@x.example", "Dana")
    single = singles.send_test(draft(mail, mail=HEAD), person, by=factory.BY)
    assert single.mail == HEAD


def test_what_is_wrong_breaks_the_broadcast_and_not_a_person(mail: Channel) -> None:
    factory.address(mail, "dana@x.example", "Dana")
    broadcast = factory.sending([mail], text="Hi")
    Broadcast.objects.update(mail={"preheader": "{{ contact.name"})
    assert job(broadcast.pk).broken.startswith("Preheader: ")

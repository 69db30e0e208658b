"""A broadcast of a template as a whole: engine, simulated WhatsApp, callbacks through the hooks."""

from collections.abc import Iterator

import pytest

from channels.whatsapp.fixtures import PHONE_NUMBER_ID
from clarion.accounts.models import AuditEntry
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.manage import add_channel, check_channel, register_webhook
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates import library
from clarion.contacts.models import Address
from clarion.records.models import Delivery, Record
from clarion_simulator.whatsapp_templates import TEMPLATES
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.processes import Processes
from support.programs import listening
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "0123456789abcdef0123456789abcdef"
PEOPLE = 50


@pytest.fixture
def hooks(database_url: str) -> Iterator[str]:
    """The URL at which callbacks arrive."""
    with listening() as url:
        yield url


def whatsapp(provider: Provider) -> Channel:
    settings = {
        "phone_number_id": PHONE_NUMBER_ID,
        "token": "EAAtest",
        "app_secret": SECRET,
        "waba_id": "102290129340398",
        "api_root": f"{provider.url}/whatsapp/v26.0",
        "allow_private": "true",
    }
    return add_channel(name="wa", kind="whatsapp", settings=settings, by=factory.BY)


def start(channel: Channel, name: str = "spring_sale", count: int = 2) -> Broadcast:
    variables = ['{{ contact.name | default("friend") }}', "20 %"][:count]
    draft = drafts.create_draft(
        by=factory.BY,
        title="Spring",
        data_type="template",
        template={"name": name, "language": "en", "variables": variables},
        channels=[channel],
        audience=Audience(kind="all"),
    )
    return launch.start(draft, by=factory.BY, undo_seconds=0)


def rename(last: int, mark: str) -> str:
    """Give one person a number that brings a fault; returns it."""
    number = f"49151{last}"
    Address.objects.filter(value=number).update(value=f"{number}!{mark}")
    return f"{number}!{mark}"


def reason(delivery: Delivery) -> str:
    assert delivery.reason is not None
    return delivery.reason.text


def test_b4_a_template_reaches_everybody_and_its_statuses_come_home(
    processes: Processes, engine: None, hooks: str
) -> None:
    provider = Provider(
        processes, callback_secret=SECRET, read=100, throttle=10, callback_delay="1ms..60ms",
        callback_double=30, callback_shuffle=30,
    )  # fmt: skip
    channel = whatsapp(provider)
    assert "The token is valid" in check_channel(channel)
    assert "now sends messages" in register_webhook(channel, hooks, by=factory.BY)
    assert AuditEntry.objects.filter(action="channel.register").count() == 1
    factory.people(channel, PEOPLE, prefix="49151")
    outside, left, broken = (
        rename(0, "131047"),
        rename(1, "failed-131050"),
        rename(2, "reset-after"),
    )

    broadcast = start(channel)
    expected = {"read": PEOPLE - 2, "failed": 2}
    eventually(lambda: factory.states(broadcast) == expected, timeout=120)
    wait_completed(broadcast, 60)

    accepted = provider.accepted()
    assert set(accepted.values()) == {1}, "somebody got it twice"
    assert len(accepted) == PEOPLE - 1
    assert outside not in accepted
    assert "Send a template" in reason(Delivery.objects.get(address__value=outside))
    # The reply was lost, so it was in doubt until a status named our own id.
    assert Delivery.objects.get(address__value=broken).state == "read"
    assert Address.objects.get(value=left).state == "opted_out"
    assert Record.objects.get(address__value="491517").content == "spring_sale (en)\nPerson 7\n20 %"
    assert reconcile(broadcast.pk).ok


def test_b4_a_paused_template_pauses_its_broadcast_and_fails_nobody(
    processes: Processes, engine: None
) -> None:
    provider = Provider(processes)
    channel = whatsapp(provider)
    factory.people(channel, 3, prefix="49151")

    assert library.refresh(channel) == ""
    assert MessageTemplate.objects.count() == len(TEMPLATES)
    with pytest.raises(LaunchError, match="is paused by the provider"):
        start(channel, "spring_paused")

    MessageTemplate.objects.update(status="approved")  # what is stored may be old
    paused = start(channel, "spring_paused", 1)
    eventually(lambda: Broadcast.objects.get(pk=paused.pk).state == "paused", timeout=120)
    eventually(lambda: factory.states(paused) == {"queued": 3}, timeout=120)
    paused.refresh_from_db()
    assert "paused the template" in paused.state_reason
    channel.refresh_from_db()
    assert channel.state == "active"

    good = start(channel)
    wait_completed(good, 60)
    assert factory.states(good) == {"sent": 3}
    text = provider.get("/_/log?outcome=accepted").decode()
    assert "spring_sale (en): Person 0 | 20 %" in text

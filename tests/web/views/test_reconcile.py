"""O2 on a page: each channel and state in two ways, and the same as a file for an audit."""

import csv
import io

import pytest
from django.test import Client

from clarion import __version__
from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.records import tallies
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_two(sending: Broadcast) -> Broadcast:
    """Two of three are sent and one failed on one channel, and one is queued on another."""
    factory.settle_each(sending.channels.get(), ["sent", "sent", "failed"])
    other = factory.channel("Other")
    factory.delivery(sending, factory.address(other, "x1"), "queued")
    return sending


def test_o2_each_channel_and_state(admin: Client, on_two: Broadcast) -> None:
    html = admin.get(f"/broadcasts/{on_two.pk}/reconcile/").content.decode()

    text = words(html)
    assert "Every recipient is counted exactly once." in text
    assert "Other Queued 1 1 Agrees" in text
    assert "sink Sent 2 2 Agrees" in text
    assert "sink Failed 1 1 Agrees" in text
    assert "expected 4 = sent 2 + failed 1" in text


def test_a_number_leads_to_the_people(admin: Client, on_two: Broadcast) -> None:
    channel = on_two.channels.get()
    here = f"/broadcasts/{on_two.pk}/recipients/?state=sent&channel={channel.pk}"

    html = admin.get(f"/broadcasts/{on_two.pk}/reconcile/").content.decode()

    assert here.replace("&", "&amp;") in html
    assert len(admin.get(here).context["page"].rows) == 2


def test_o2_a_wrong_tally_is_shown(admin: Client, on_two: Broadcast) -> None:
    tallies.add({(on_two.pk, on_two.channels.get().pk, "sent"): 5})

    text = words(admin.get(f"/broadcasts/{on_two.pk}/reconcile/").content.decode())

    assert "The numbers do not add up." in text
    assert "clarion check --repair" in text
    assert "sink Sent 2 7 Differs" in text


def test_the_file_for_an_audit(admin: Client, on_two: Broadcast) -> None:
    answer = admin.get(f"/broadcasts/{on_two.pk}/reconcile.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert header == ["item", "channel", "state", "number", "how it was counted"]
    numbers = {tuple(line[:3]): line[3] for line in lines}
    assert numbers["broadcast id", "", ""] == str(on_two.pk)
    assert numbers["Clarion version", "", ""] == __version__
    assert numbers["counted at", "", ""].endswith("+00:00")
    assert numbers["result", "", ""] == "agrees"
    assert numbers["expected", "", ""] == "4"
    assert numbers["recipients by rows", "sink", "sent"] == "2"
    assert numbers["recipients by tallies", "sink", "sent"] == "2"
    assert numbers["difference", "sink", "sent"] == "0"
    assert numbers["recipients by rows", "Other", "queued"] == "1"
    assert numbers["completed records", "", ""] == "2"
    assert numbers["error records", "", ""] == "1"
    parts = [int(n) for (item, _, _), n in numbers.items() if item == "recipients"]
    assert sum(parts) == int(numbers["recipients in all states", "", ""]) == 4
    assert all(line[4] for line in lines if line[0] in {"expected", "recipients by rows"})
    assert AuditEntry.objects.filter(action="data.export").exists()


def test_the_file_says_what_differs(admin: Client, on_two: Broadcast) -> None:
    tallies.add({(on_two.pk, on_two.channels.get().pk, "sent"): -1})

    answer = admin.get(f"/broadcasts/{on_two.pk}/reconcile.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    assert '"result","","","differs"' in text.replace(",,", ',"",').replace(",,", ',"",')
    assert "but the tallies say 1." in text


def test_one_without_recipients(admin: Client) -> None:
    draft = factory.draft([])

    assert "It has no recipients yet." in admin.get(
        f"/broadcasts/{draft.pk}/reconcile/"
    ).content.decode()  # fmt: skip

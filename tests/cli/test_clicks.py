"""``clarion clicks``."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.clicks.links import count_opens, number_links
from clarion.clicks.models import OPENED
from clarion.clicks.store import Visit, store
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
SHAPE = {
    "id", "clicked_at", "broadcast", "title", "channel", "kind", "chat", "user", "name", "link",
    "target", "clicked_by", "sign", "event",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clicked() -> None:
    """Person 0 clicked twice, a scanner opened person 1's link."""
    channel = factory.channel("Shop")
    broadcast = factory.broadcast("Spring")
    first, second = (factory.delivery(broadcast, who) for who in factory.people(channel, 2))
    (link,) = number_links(broadcast.pk, ["https://shop.example/sale"]).values()
    at = factory.START
    store([Visit(first.pk, link, at + 1), Visit(first.pk, link, at + 2)])
    store([Visit(second.pk, link, at + 3, "head")])


def test_i6_list(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    newest, *others = ok_json("clicks")
    assert newest.keys() == SHAPE
    assert (newest["clicked_by"], newest["sign"], newest["user"]) == ("scanner", "head", "u1")
    assert len(others) == 2
    assert [row["user"] for row in ok_json("clicks", "list", "--first")] == ["u0"]
    said = ok("clicks", "list", "--user", "u0")
    assert said.count("https://shop.example/sale") == 2
    assert ok("clicks", "list", "--url", "nowhere").strip() == "No clicks match."
    delivery = Delivery.objects.earliest("pk")
    count_opens(delivery.broadcast_id)
    store([Visit(delivery.pk, OPENED, factory.START + 60 * clock.SECOND)])
    (opened,) = ok_json("clicks", "list", "--opens")
    assert (opened["event"], opened["link"]) == ("open", None)
    assert "(e-mail opened)" in ok("clicks", "list", "--opens")


def test_i6_export(ok: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    ok("clicks", "export", str(file), "--clicked-by", "person")
    with file.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["user id"] for row in rows] == ["u0", "u0"]
    assert AuditEntry.objects.filter(action__contains="export").count() == 1


def test_wrong_usage(refused: Callable[..., str]) -> None:
    assert "There is no channel called “Nowhere”" in refused("clicks", "--channel", "Nowhere")
    assert "There is no such link" in refused("clicks", "list", "--link", "99")

"""Clicks are written once, and what counts them agrees with them."""

from datetime import timedelta

import pytest

from clarion.broadcasts import retention
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.repairs import repair_tallies
from clarion.clicks import tallies
from clarion.clicks.links import links_of, number_links, target_of
from clarion.clicks.models import Click, Clicker, ClickTally, Link
from clarion.clicks.scanners import BURST, HEAD
from clarion.clicks.store import Visit, store
from clarion.clicks.tallies import Counts
from clarion.kit import clock
from clarion.records import measures
from clicks.conftest import MINUTE, World
from support import factory

pytestmark = pytest.mark.django_db


def counts(world: World) -> Counts:
    return tallies.counts([world.broadcast.pk])[world.broadcast.pk]


def clicked_over_time(world: World) -> int:
    return sum(numbers.clicked for numbers in measures.totals(world.broadcast.pk).values())


def miscounted(world: World) -> list[str]:
    said = reconcile(world.broadcast.pk).differences
    return [sentence for sentence in said if "clicked" in sentence]


def test_a_person_counts_once_and_every_click_is_kept(world: World) -> None:
    for at in (MINUTE, 2 * MINUTE, 3 * MINUTE):
        world.click(0, world.shop, at)
    world.click(0, world.news, 5 * MINUTE)
    world.click(1, world.news, 5 * MINUTE)
    assert counts(world) == Counts(people=2, clicks=5)
    assert tallies.by_link([world.broadcast.pk]) == {
        world.shop: Counts(people=1, clicks=3),
        world.news: Counts(people=2, clicks=2),
    }
    assert Click.objects.count() == 5
    assert clicked_over_time(world) == 2
    assert miscounted(world) == []


def test_the_same_within_one_group(world: World) -> None:
    store([world.visit(0, world.shop, at) for at in (3 * MINUTE, MINUTE, 2 * MINUTE)])
    assert counts(world) == Counts(people=1, clicks=3)
    first = Clicker.objects.get(link_id=world.shop)
    assert clock.to_us(first.at) == factory.START + MINUTE


def test_scanners_are_kept_and_counted_apart(world: World) -> None:
    world.click(0, world.shop, sign=HEAD)
    assert counts(world) == Counts(scans=1)
    assert Click.objects.get().clicked_by == "scanner"
    assert clicked_over_time(world) == 0
    world.click(0, world.shop, 2 * MINUTE)
    assert counts(world) == Counts(people=1, clicks=1, scans=1)


@pytest.mark.parametrize(
    ("first", "second", "is_burst"),
    [(5, 9, True), (50, 59, True), (5, 30, False), (120, 121, False)],
)
def test_all_links_at_once_right_after_sending_are_a_scanner(
    world: World, first: int, second: int, is_burst: bool
) -> None:
    world.click(0, world.shop, first * clock.SECOND)
    world.click(0, world.news, second * clock.SECOND)
    signs = set(Click.objects.values_list("sign", flat=True))
    assert signs == ({BURST} if is_burst else {""})
    assert counts(world) == (Counts(scans=2) if is_burst else Counts(people=1, clicks=2))
    assert clicked_over_time(world) == (0 if is_burst else 1)
    assert miscounted(world) == []
    # The person comes later.
    world.click(0, world.shop, 60 * MINUTE)
    assert counts(world).people == 1
    assert miscounted(world) == []


def test_a_click_on_what_was_not_sent_is_left_out(world: World) -> None:
    other = number_links(factory.broadcast("Other").pk, ["https://other.example"])
    (link,) = other.values()
    assert store([world.visit(0, link), Visit(10**9, world.shop, factory.START)]) == 0
    assert Click.objects.count() == 0


def test_a_group_that_may_have_been_written_before(world: World) -> None:
    visits = [world.visit(0, world.shop), world.visit(1, world.shop)]
    store(visits[:1])
    assert store(visits, again=True) == 1
    assert store(visits, again=True) == 0
    assert counts(world) == Counts(people=2, clicks=2)


def test_a_target_is_kept_once(world: World) -> None:
    other = factory.broadcast("Other")
    again = number_links(other.pk, ["https://shop.example/"])
    assert again == {"https://shop.example/": world.shop}
    assert Link.objects.count() == 2
    assert [link.id for link in links_of([other.pk])] == [world.shop]


def test_squashing_changes_no_number(world: World) -> None:
    for at in range(40):
        world.click(at % 3, world.shop, at * MINUTE)
    before, rows = counts(world), ClickTally.objects.count()
    assert tallies.squash() == rows - 2
    assert counts(world) == before == Counts(people=3, clicks=40)


def test_a_wrong_tally_is_found_and_repaired(world: World) -> None:
    world.click(0, world.shop)
    channel = world.deliveries[0].channel_id
    tallies.add({(world.broadcast.pk, channel, 0): Counts(people=2, scans=-1)})
    (said,) = miscounted(world)
    assert "1 recipients clicked, but the tallies say 3, and the numbers over time 1." in said
    assert repair_tallies(world.broadcast, by=factory.BY) == [
        "On the channel Shop the tally of clicks: people 2 too high, scans 1 too low."
    ]
    assert counts(world) == Counts(people=1, clicks=1)
    assert miscounted(world) == []


def test_e5_clicks_are_deleted_with_their_broadcast_and_links_still_lead(world: World) -> None:
    world.click(0, world.shop)
    long_ago = clock.now() - timedelta(days=200)
    Broadcast.objects.filter(pk=world.broadcast.pk).update(
        state="completed", finished_at=long_ago, expanded_at=long_ago
    )
    while retention.sweep():
        pass
    assert not Broadcast.objects.filter(pk=world.broadcast.pk).exists()
    for model in (Click, Clicker, ClickTally):
        assert model.objects.count() == 0
    assert links_of([world.broadcast.pk]) == []
    assert target_of(world.shop) == "https://shop.example/"
    assert store([world.visit(0, world.shop)]) == 0


def test_clicks_of_a_deleted_contact_are_kept(world: World) -> None:
    world.click(0, world.shop)
    address = world.deliveries[0].address
    address.contact.delete()
    assert counts(world).people == 1
    assert miscounted(world) == []

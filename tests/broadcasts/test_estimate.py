"""About how many people: a sample stands for everybody, and small numbers stay exact."""

from dataclasses import replace

import pytest

from clarion.broadcasts import audience, estimate
from clarion.broadcasts.audience import summary
from clarion.broadcasts.estimate import AudienceSummary
from clarion.broadcasts.picks import add_picks
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.consents.grants import give
from clarion.consents.manage import define
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.kit import sampling
from support import factory

pytestmark = pytest.mark.django_db
MANY = 3_000


@pytest.fixture
def one() -> Channel:
    """A channel with 3,000 people: every second is a vip, every tenth blocked us, one in four has
    given “News”; the last 300 are staff, on their way in one after the other."""
    channel = factory.channel("one")
    people = factory.people(channel, MANY)
    vip, staff = Tag.objects.create(name="vip"), Tag.objects.create(name="staff")
    Tagging.objects.bulk_create(
        [Tagging(tag=vip, contact_id=each.contact_id) for each in people[::2]]
        + [Tagging(tag=staff, contact_id=each.contact_id) for each in people[-300:]]
    )
    blocked = [each.pk for each in people[::10]]
    Address.objects.filter(pk__in=blocked).update(state="blocked")
    give(
        define(name="News", by=factory.BY),
        [each.contact_id for each in people[::4]],
        how="form",
        by=factory.BY,
    )
    return channel


def unnamed(counted: AudienceSummary) -> AudienceSummary:
    """Without the five names: which ones the database gives first is up to it."""
    return replace(counted, sample=[])


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at 600 of more than 1,000 people, in 60 places."""
    monkeypatch.setattr(sampling, "EXACT", 1_000)
    monkeypatch.setattr(sampling, "SPANS", 60)
    monkeypatch.setattr(sampling, "LOOKED", 600)
    monkeypatch.setattr(audience, "FEW", 1_000)


@pytest.mark.usefixtures("small_samples")
@pytest.mark.parametrize(
    "chosen",
    [
        Audience(kind="all"),
        Audience(kind="all", without_tags=["staff"]),
        Audience(kind="all", consents=["News"]),
        Audience(kind="tags", tags=["vip"], without_tags=["staff"]),
        Audience(kind="picks"),
    ],
)
def test_a_sample_comes_close(one: Channel, chosen: Audience) -> None:
    other = factory.channel("other")
    factory.people(other, 5)
    unreached = [Contact.objects.create().pk for _ in range(400)]
    Tagging.objects.bulk_create(
        Tagging(tag=Tag.objects.get(name="vip"), contact_id=pk) for pk in unreached
    )
    draft = factory.draft([one])
    add_picks(draft, Address.objects.values_list("pk", flat=True))
    exact = summary(chosen, [one], broadcast_id=draft.pk)
    about = summary(chosen, [one], broadcast_id=draft.pk, quick=True)
    assert about.about
    assert not exact.about
    assert about.total == sum(about.by_channel.values()) == about.by_channel[one.pk]
    assert set(about.dropped) - {"no_address"} == set(exact.dropped) - {"no_address"}
    for reason, count in exact.dropped.items():
        assert abs(about.dropped.get(reason, 0) - count) < MANY * 0.06, reason
    assert abs(about.total - exact.total) < MANY * 0.06
    assert about.sample
    assert summary(chosen, [one], broadcast_id=draft.pk, quick=True) == about


@pytest.mark.usefixtures("small_samples")
def test_few_with_a_tag_are_counted_exactly(one: Channel) -> None:
    chosen = Audience(kind="tags", tags=["staff"])
    quick, exact = summary(chosen, [one], quick=True), summary(chosen, [one])
    assert unnamed(quick) == unnamed(exact)
    assert exact.total == 270


@pytest.mark.usefixtures("small_samples")
def test_a_small_channel_beside_a_large_one_is_exact(one: Channel) -> None:
    small = factory.channel("small")
    factory.people(small, 7)
    counted = summary(Audience(kind="all"), [one, small], quick=True)
    assert counted.by_channel[small.pk] == 7
    assert counted.about


def test_up_to_some_ten_thousand_all_are_looked_at(one: Channel) -> None:
    for chosen in (Audience(kind="all", consents=["News"]), Audience(kind="tags", tags=["vip"])):
        quick, exact = summary(chosen, [one], quick=True), summary(chosen, [one])
        assert unnamed(quick) == unnamed(exact)
        assert len(quick.sample) == len(exact.sample) == 5
    assert summary(Audience(kind="all"), [factory.channel("empty")], quick=True).total == 0


def test_three_digits(one: Channel) -> None:
    counted = estimate._rounded(
        {1: 981_234.4, 2: 999.6}, {"blocked": 1_234.5}, [], about=True, held=0.0
    )
    assert counted.by_channel == {1: 981_000, 2: 1_000}
    assert counted.dropped == {"blocked": 1_230}
    assert counted.total == 982_000

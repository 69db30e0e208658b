"""Sessions and counts that have served their time."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from clarion.accounts import expiry
from clarion.accounts.models import AgentSession, CacheEntry

pytestmark = pytest.mark.django_db


def test_only_what_has_expired_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "AT_ONCE", 2)
    now = timezone.now()
    for number in range(5):
        AgentSession.objects.create(
            session_key=f"old{number}", expire_date=now - timedelta(seconds=1)
        )
    AgentSession.objects.create(session_key="good", expire_date=now + timedelta(days=1))
    cache.set("good", 1, 60)
    cache.set("old", 1, 60)
    CacheEntry.objects.filter(cache_key__contains="old").update(expires=now - timedelta(seconds=1))

    assert [expiry.delete_expired() for _ in range(4)] == [3, 2, 1, 0]

    assert list(AgentSession.objects.values_list("pk", flat=True)) == ["good"]
    assert CacheEntry.objects.count() == 1
    assert cache.get("good") == 1

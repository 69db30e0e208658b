"""Deleting what has served its time: sessions, counts of log-ins and requests, stored answers."""

from django.utils import timezone

from clarion.accounts.idempotency import KEPT
from clarion.accounts.models import AgentSession, CacheEntry, RequestCount, StoredAnswer
from clarion.accounts.request_limits import WINDOW
from clarion.kit import clock

AT_ONCE = 1_000  # rows, so that the database is never held for long


def delete_expired() -> int:
    """Delete some of what has expired; return how many rows, 0 when nothing is left."""
    now = timezone.now()
    sessions = AgentSession.objects.filter(expire_date__lt=now).values_list("pk", flat=True)
    entries = CacheEntry.objects.filter(expires__lt=now).values_list("pk", flat=True)
    deleted = AgentSession.objects.filter(pk__in=list(sessions[:AT_ONCE])).delete()[0]
    deleted += CacheEntry.objects.filter(pk__in=list(entries[:AT_ONCE])).delete()[0]
    window = clock.now_us() // clock.SECOND // WINDOW
    counts = RequestCount.objects.filter(minute__lt=window - 1).values_list("pk", flat=True)
    deleted += RequestCount.objects.filter(pk__in=list(counts[:AT_ONCE])).delete()[0]
    answers = StoredAnswer.objects.filter(created_at__lt=clock.now() - KEPT)
    ids = list(answers.values_list("pk", flat=True)[:AT_ONCE])
    return deleted + StoredAnswer.objects.filter(pk__in=ids).delete()[0]

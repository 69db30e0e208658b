"""Deleting what has served its time: sessions that ended, counts of failed log-ins."""

from django.contrib.sessions.models import Session
from django.utils import timezone

from clarion.accounts.models import CacheEntry

AT_ONCE = 1_000  # rows, so that the database is never held for long


def delete_expired() -> int:
    """Delete some of what has expired; return how many rows, 0 when nothing is left."""
    now = timezone.now()
    sessions = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)
    entries = CacheEntry.objects.filter(expires__lt=now).values_list("pk", flat=True)
    deleted = Session.objects.filter(pk__in=list(sessions[:AT_ONCE])).delete()[0]
    return deleted + CacheEntry.objects.filter(pk__in=list(entries[:AT_ONCE])).delete()[0]

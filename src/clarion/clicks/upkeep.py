"""What a worker does for clicks every few seconds."""

from functools import partial

from django.conf import settings

from clarion.clicks import tallies
from clarion.clicks.spool import Spool
from clarion.clicks.store import store


def maintain() -> None:
    """Squash the tallies, and store the clicks that web servers, ended by now, left in files."""
    tallies.squash()
    Spool(settings.CLARION.data).drain(partial(store, again=True))

"""Spans of time, for people."""

from django.utils import formats
from django.utils.translation import gettext as _


def duration(seconds: float | None) -> str:
    """A span of time in the largest two units that matter."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return _("%(count)d ms") % {"count": round(seconds * 1000)}
    if seconds < 59.5:
        count = round(seconds, 1) if seconds < 10 else round(seconds)
        return _("%(count)s s") % {"count": formats.number_format(count)}
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if not rest:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}

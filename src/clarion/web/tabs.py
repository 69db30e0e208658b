"""The pages of one broadcast, as tabs: what each of them shows above what is its own."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clarion.broadcasts.models import Broadcast
from clarion.web.shown import name_of

_TABS = {
    "details": ("broadcast", _("Details")),
    "audience": ("broadcast_recipients", _("Audience")),
    "consents": ("broadcast_consents", _("Consents")),
    "analytics": ("broadcast_analytics", _("Analytics")),
    "activity": ("broadcast_activity", _("Activity")),
}


def frame(broadcast: Broadcast, here: str) -> dict[str, Any]:
    """What ``broadcasts/page.html`` needs; ``here`` is one of details, audience, consents, …"""
    return {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "parent_name": name_of(broadcast.parent) if broadcast.parent else "",
        "pages": [
            {"title": title, "url": reverse(url, args=[broadcast.pk]), "here": tab == here}
            for tab, (url, title) in _TABS.items()
        ],
    }

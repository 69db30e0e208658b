"""The ASGI application: the lean way in, and Django's pages in threads, behind limits."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
_django = get_wsgi_application()

from clarion.hooks import bodies as hooks_bodies  # noqa: E402 - needs Django's settings
from clarion.hooks.application import HookApplication  # noqa: E402
from clarion.server.bodies import BodyLimits, Refusal, Rule, Scope  # noqa: E402
from clarion.server.turns import Group, Turns  # noqa: E402
from clarion.server.wsgi import WsgiBridge  # noqa: E402
from clarion.web import bodies as page_bodies  # noqa: E402

# Pages are made by Python on one core: more at once would only share it, and fill the memory.
PAGES = Group(at_once=8, waiting=200)
CALLS = Group(at_once=4, waiting=1_000)
DOWNLOADS = 8  # at once, beside the others: each takes as long as its reader
_PROGRAMS = ("/hooks/", "/media/")


def _group(path: str) -> Group:
    return CALLS if path.startswith(_PROGRAMS) else PAGES


def _rule(path: str) -> Rule:
    return hooks_bodies.body_rule(path) or page_bodies.body_rule(path)


async def _refusal(scope: Scope, status: int, rule: Rule) -> Refusal:
    if hooks_bodies.body_rule(scope["path"]):
        return hooks_bodies.refusal(scope["path"], status)
    return await page_bodies.refusal(scope, status, rule)


_pages = WsgiBridge(_django, threads=PAGES.at_once + CALLS.at_once, downloads=DOWNLOADS)
application = BodyLimits(
    HookApplication(Turns(_pages, _group)),
    rule=_rule,
    is_agent=page_bodies.is_agent,
    refusal=_refusal,
)

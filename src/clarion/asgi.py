"""The ASGI application: the lean way in, and Django's pages in threads, behind limits."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
_django = get_wsgi_application()

from clarion.api import bodies as api_bodies  # noqa: E402 - needs Django's settings
from clarion.api.gathering import Gathering  # noqa: E402
from clarion.hooks import bodies as hooks_bodies  # noqa: E402
from clarion.hooks.application import HookApplication  # noqa: E402
from clarion.server.bodies import BodyLimits, Refusal, Rule, Scope  # noqa: E402
from clarion.server.turns import Group, Turns  # noqa: E402
from clarion.server.wsgi import WsgiBridge  # noqa: E402
from clarion.web import bodies as page_bodies  # noqa: E402

# Pages are made by Python on one core: more at once would only share it, and fill the memory.
PAGES = Group(at_once=8, waiting=200)
CALLS = Group(at_once=4, waiting=1_000)
_busy = api_bodies.refusal(503)
API = Group(at_once=4, waiting=1_000, busy=(_busy.content_type, _busy.body))
DOWNLOADS = 8  # at once, beside the others: each takes as long as its reader
_PROGRAMS = ("/hooks/", "/media/")


def _group(path: str) -> Group:
    if path.startswith(api_bodies.PREFIX):
        return API
    return CALLS if path.startswith(_PROGRAMS) else PAGES


def _rule(path: str) -> Rule:
    own = hooks_bodies.body_rule(path) or api_bodies.body_rule(path)
    return own or page_bodies.body_rule(path)


async def _refusal(scope: Scope, status: int, rule: Rule) -> Refusal:
    if hooks_bodies.body_rule(scope["path"]):
        return hooks_bodies.refusal(scope["path"], status)
    if api_bodies.body_rule(scope["path"]):
        return api_bodies.refusal(status)
    return await page_bodies.refusal(scope, status, rule)


async def _is_known(scope: Scope) -> bool:
    """Whether the sender may send more than a little: an agent, or a token."""
    if api_bodies.body_rule(scope["path"]):
        return await api_bodies.has_token(scope)
    return await page_bodies.is_agent(scope)


_threads = PAGES.at_once + CALLS.at_once + API.at_once
_pages = WsgiBridge(_django, threads=_threads, downloads=DOWNLOADS)
application = BodyLimits(
    HookApplication(Gathering(Turns(_pages, _group), _django)),
    rule=_rule,
    is_agent=_is_known,
    refusal=_refusal,
)

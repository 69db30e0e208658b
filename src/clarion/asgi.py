"""The ASGI application: Django, behind limits on bodies and on requests at the same time."""

import os
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
_django = get_asgi_application()

from clarion.hooks import bodies as hooks_bodies  # noqa: E402 - needs Django's settings
from clarion.server.bodies import Application, BodyLimits, Refusal, Rule  # noqa: E402
from clarion.server.turns import Group, Turns  # noqa: E402
from clarion.web import bodies as page_bodies  # noqa: E402

# Pages are made by Python on one core: more at once would only share it, and fill the memory.
PAGES = Group(at_once=8, waiting=200)
HOOKS = Group(at_once=8, waiting=1_000)
_PROGRAMS = ("/hooks/", "/unsubscribe/", "/media/", "/healthz")


def _group(path: str) -> Group:
    return HOOKS if path.startswith(_PROGRAMS) else PAGES


def _rule(path: str) -> Rule:
    return hooks_bodies.body_rule(path) or page_bodies.body_rule(path)


def _refusal(path: str, status: int, rule: Rule) -> Refusal:
    if hooks_bodies.body_rule(path):
        return hooks_bodies.refusal(path, status)
    return page_bodies.refusal(status, rule)


application = BodyLimits(
    Turns(cast(Application, _django), _group),
    rule=_rule,
    is_agent=page_bodies.is_agent,
    refusal=_refusal,
)

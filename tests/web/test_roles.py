"""Every address with every method, by role: the roles come from the views themselves."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from clarion.accounts.models import Role
from clarion.web import urls
from web.conftest import LogIn
from web.test_methods import ARGUMENTS

pytestmark = pytest.mark.django_db
# What takes a POST without asking for a role: one's own account and saved filters, and pages that
# viewers read, which ask when something is changed (see the tests below).
OWN = ("account", "saved_filter")
ASKS_ITSELF = {
    "channel": (Role.MANAGER, "/channels/1/"),
    "channel_prices": (Role.MANAGER, "/channels/1/prices/"),
    "story_edit": (Role.SENDER, "/stories/1/"),
}
RANKS = list(Role.values)


def _guard(view: Callable[..., Any]) -> tuple[str, set[str]]:
    """The role that a view asks for ("" for none), and the methods that it takes."""
    role, methods = "", {"GET", "HEAD", "POST"}
    layer: Any = view
    while layer is not None:
        cells = getattr(layer, "__closure__", None) or ()
        values = [cell.cell_contents for cell in cells]
        held = dict(zip(layer.__code__.co_freevars, values, strict=True)) if cells else {}
        role = str(held["role"]) if "role" in held else role
        methods &= set(held.get("request_method_list", methods))
        layer = getattr(layer, "__wrapped__", None)
    return role, methods


def _views() -> Iterator[tuple[str, str, str, set[str]]]:
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        path = "/" + str(pattern.pattern)
        for name, converter in pattern.pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower()
            path = path.replace(f"<{kind}:{name}>", ARGUMENTS[kind])
        yield str(pattern.name), path, *_guard(pattern.callback)


VIEWS = list(_views())


def test_whatever_changes_something_needs_a_role() -> None:
    open_to_viewers = {
        name
        for name, _, role, methods in VIEWS
        if "POST" in methods and role in {"", Role.VIEWER} and not name.startswith(OWN)
    }
    assert open_to_viewers == set(ASKS_ITSELF)


def test_the_guards_are_seen() -> None:
    by_role = defaultdict(set)
    for name, _, role, _ in VIEWS:
        by_role[role].add(name)
    assert by_role.keys() == {"", "sender", "manager", "admin"}
    assert {"agents", "agent_act", "audit_log", "audit_log_export"} <= by_role["admin"]


@pytest.mark.parametrize("role", ["sender", "manager", "admin"])
def test_n3_the_role_below_is_refused(log_in: LogIn, role: str) -> None:
    browser = log_in(RANKS[RANKS.index(role) - 1])
    answers = {
        f"{method} {path}": browser.generic(method, path).status_code
        for _, path, needed, methods in VIEWS
        if needed == role
        for method in methods
    }
    assert len(answers) > 5
    assert {request: status for request, status in answers.items() if status != 403} == {}


@pytest.mark.parametrize("name", ASKS_ITSELF)
def test_pages_that_ask_themselves_refuse_too(log_in: LogIn, name: str) -> None:
    from clarion.content.stories import create_story
    from support import factory

    role, path = ASKS_ITSELF[name]
    rows = {
        "channel": factory.channel,
        "channel_prices": lambda: factory.channel(
            "sms", "whatsapp", phone_number_id="1", token="EAA"
        ),
        "story_edit": lambda: create_story(
            name="S", blocks=[{"kind": "text", "text": "x"}], by="a test"
        ),
    }
    row = rows[name]()
    browser: Client = log_in(RANKS[RANKS.index(role) - 1])
    path = path.replace("1", str(row.pk))
    assert browser.get(path).status_code == 200
    assert browser.post(path, {"name": "Other"}).status_code == 403

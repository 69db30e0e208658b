"""Layouts: one default, whoever saves at the same time."""

from typing import Any

import pytest

from clarion.content.errors import ContentError
from clarion.content.mail import layouts
from clarion.content.models import Layout
from support import factory

pytestmark = pytest.mark.django_db
HTML = "<i>{{ content }}</i>"


def save(name: str, layout: Layout | None = None, **more: Any) -> Layout:
    fields = {"html": HTML, "address": "", "is_default": True, "by": factory.BY, **more}
    return layouts.save_layout(layout, name=name, **fields)


def unseen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another agent saves at the same moment is not seen at first."""
    unseen = [Layout.objects.none()]
    others = layouts._others
    monkeypatch.setattr(
        layouts, "_others", lambda layout: unseen.pop() if unseen else others(layout)
    )


def test_of_two_defaults_that_are_saved_at_once_one_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = save("First")
    unseen_once(monkeypatch)
    second = save("Second")
    assert list(Layout.objects.filter(is_default=True)) == [second]
    unseen_once(monkeypatch)
    first.refresh_from_db()
    save("First", first)
    assert list(Layout.objects.filter(is_default=True)) == [first]


def test_a_name_is_used_once() -> None:
    save("Shop")
    with pytest.raises(ContentError, match="There is a layout “Shop” already"):
        save("Shop")

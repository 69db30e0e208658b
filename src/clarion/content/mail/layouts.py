"""Layouts of e-mails: named, used by any number of broadcasts.

A broadcast keeps the layout that it was launched with; later edits of the layout change nothing.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.content.errors import ContentError
from clarion.content.mail.bodies import LayoutSource, build_body
from clarion.content.models import Layout
from clarion.content.preview import promised
from clarion.content.rendering import SOURCE_LIMIT, compile_html
from clarion.kit.text import one_line, plain_text

NAME_LENGTH: Final = 100
ADDRESS_LENGTH: Final = 1_000
_PARTS: Final = frozenset({"content", "footer", "postal_address"})  # are put in, not filled in
NONE: Final = "none"  # in the place of a layout's id: the content stands alone
_SAMPLE: Final = (
    "# A heading\n\nA paragraph with **strong words** and [a link](https://example.org).\n\n"
    "- One\n- Two\n\n> A quotation.\n"
)


@cache
def built_in() -> LayoutSource:
    """The layout that there is from the beginning."""
    return LayoutSource(files(__package__).joinpath("default_layout.htm").read_text("utf-8"))


def source_of(layout: Layout) -> LayoutSource:
    """What stands around the content."""
    return LayoutSource(layout.html, layout.address)


def chosen_source(choice: str) -> LayoutSource | None:
    """The layout of a choice: an id, NONE for none, or empty for the default.

    Raises ContentError where it was deleted.
    """
    if choice == NONE:
        return None
    if not choice:
        default = Layout.objects.filter(is_default=True).first()
        return source_of(default) if default else built_in()
    layout = Layout.objects.filter(pk=choice).first() if choice.isdecimal() else None
    if layout is None:
        raise ContentError("The layout of the e-mails was deleted. Choose another one.")
    return source_of(layout)


def find_layout(name: str) -> Layout:
    """The layout of this name or id. Raises ContentError."""
    layouts = Layout.objects.all()
    layout = layouts.filter(name=name).first()
    if layout is None and name.isdecimal() and len(name) < 18:
        layout = layouts.filter(pk=name).first()
    if layout is None:
        raise ContentError(f"There is no layout “{name}”. List them with: clarion layouts list")
    return layout


def save_layout(
    layout: Layout | None, *, name: str, html: str, address: str, is_default: bool, by: Agent | str
) -> Layout:
    """Add a layout, or change one. Raises ContentError with what is wrong.

    The layout that was the default before is none any more, also where two are saved at once.
    """
    saved = layout or Layout()
    saved.name, saved.html = one_line(name)[:NAME_LENGTH], plain_text(html)
    saved.address, saved.is_default = plain_text(address).strip(), is_default
    check_layout(saved)
    action = "layout.edit" if layout else "layout.create"
    try:
        _store(saved, action, by)
    except IntegrityError:  # another one got the name, or became the default, at this moment
        _store(saved, action, by)
    return saved


def _store(saved: Layout, action: str, by: Agent | str) -> None:
    with transaction.atomic():
        if Layout.objects.filter(name=saved.name).exclude(pk=saved.pk).exists():
            raise ContentError(f"There is a layout “{saved.name}” already. Choose another name.")
        if saved.is_default:
            _others(saved).update(is_default=False)
        saved.save()
        audit.note(action, f"layout {saved.pk}", by, name=saved.name)


def _others(layout: Layout) -> "QuerySet[Layout]":
    """The layout that is the default instead of this one, if any."""
    return Layout.objects.filter(is_default=True).exclude(pk=layout.pk)


def check_layout(layout: Layout) -> None:
    """Raise ContentError with what is wrong with a layout."""
    if not layout.name:
        raise ContentError("Name the layout.")
    if len(layout.html.encode("utf-8", "replace")) > SOURCE_LIMIT:
        raise ContentError(f"The layout is longer than {SOURCE_LIMIT // 1024} KiB. Shorten it.")
    if len(layout.address) > ADDRESS_LENGTH:
        raise ContentError(f"The postal address has more than {ADDRESS_LENGTH:,} characters.")
    page = compile_html(build_body(_SAMPLE, "markdown", source_of(layout)).html)
    if left := sorted(_PARTS & page.variables()):
        raise ContentError(
            f"Write {{{{ {left[0]} }}}} once, just like this: it stands for a part of the e-mail, "
            "not for a text."
        )


def sample_page(layout: Layout) -> str:
    """The page of a layout around a sample; variables are shown by their names."""
    page = compile_html(build_body(_SAMPLE, "markdown", source_of(layout)).html)
    values: dict[str, Any] = dict(promised(page.variables(), lambda name: f"‹{name}›"))
    return page.render(values.pop("contact"), **values)


def delete_layout(layout: Layout, *, by: Agent | str) -> None:
    """Delete a layout. What was launched with it keeps it."""
    with transaction.atomic():
        audit.note("layout.delete", f"layout {layout.pk}", by, name=layout.name)
        layout.delete()

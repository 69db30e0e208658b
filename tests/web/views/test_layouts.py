"""The pages of layouts."""

import pytest
from django.test import Client

from clarion.accounts.models import AuditEntry
from clarion.content.mail.layouts import built_in
from clarion.content.models import Layout
from web.reading import words

pytestmark = pytest.mark.django_db
FORM = {"name": "Shop", "address": "Shop & Co\nBonn", "html": "<i>{{ content }}</i>{{ footer }}"}


def test_a_layout_is_added_edited_previewed_and_deleted(admin: Client) -> None:
    assert "No layouts yet" in words(admin.get("/layouts/").content.decode())
    assert admin.get("/layouts/new/").context["form"].initial["html"] == built_in().html
    added = admin.post("/layouts/new/", {**FORM, "is_default": "on"})
    layout = Layout.objects.get()
    assert added["Location"] == f"/layouts/{layout.pk}/"
    assert (layout.name, layout.address, layout.is_default) == ("Shop", "Shop & Co\nBonn", True)
    page = admin.get(f"/layouts/{layout.pk}/").content.decode()
    assert page.count(f'src="/layouts/{layout.pk}/preview/"') == 2
    preview = admin.get(f"/layouts/{layout.pk}/preview/")
    assert "<i><h1>A heading</h1>" in preview.content.decode()
    assert "Shop &amp; Co<br>" in preview.content.decode()
    assert preview["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    admin.post(f"/layouts/{layout.pk}/", {**FORM, "name": "Store"})
    layout.refresh_from_db()
    assert (layout.name, layout.is_default) == ("Store", False)
    assert "Store" in words(admin.get("/layouts/").content.decode())
    admin.post(f"/layouts/{layout.pk}/delete/")
    assert not Layout.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="layout.").order_by("pk")
    assert [entry.action for entry in actions] == ["layout.create", "layout.edit", "layout.delete"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"html": "<p>nothing</p>"}, "The layout shows no content."),
        ({"html": "{{ content }} {{ contact.name"}, "can't be used between {{ and }}"),
        ({"name": "  "}, "Name"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    admin: Client, fields: dict[str, str], problem: str
) -> None:
    page = words(admin.post("/layouts/new/", {**FORM, **fields}).content.decode())
    assert problem in page
    assert "Shop & Co" in page
    assert not Layout.objects.exists()


def test_a_name_is_used_once(admin: Client) -> None:
    admin.post("/layouts/new/", FORM)
    page = words(admin.post("/layouts/new/", FORM).content.decode())
    assert "There is a layout “Shop” already. Choose another name." in page


@pytest.mark.parametrize(
    ("html", "part"),
    [("{{ content }}{{ content }}", "content"), ("{{ content }}{{ footer | upper }}", "footer")],
)
def test_a_layout_names_its_parts_once_and_as_they_are(admin: Client, html: str, part: str) -> None:
    page = words(admin.post("/layouts/new/", {**FORM, "html": html}).content.decode())
    assert f"Write {{{{ {part} }}}} once, just like this" in page
    assert not Layout.objects.exists()


def test_a_preview_that_cannot_be_filled_in_says_why(admin: Client) -> None:
    # With the sample, whose values are all texts; contacts may have numbers.
    admin.post("/layouts/new/", {**FORM, "html": "{{ content }}{{ contact.points + 1 }}"})
    preview = admin.get(f"/layouts/{Layout.objects.get().pk}/preview/")
    assert preview.status_code == 200
    assert "unsupported types" in words(preview.content.decode())

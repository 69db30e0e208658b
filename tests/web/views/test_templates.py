"""The page of the templates that providers list."""

import pytest
from django.test import Client

from clarion.channels.models import Channel, MessageTemplate
from clarion.web.forms.compose_template import rows_of
from support import factory

pytestmark = pytest.mark.django_db
COMPONENTS = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "Hello {{1}} <b>"},
    {"type": "FOOTER", "text": "Reply STOP"},
    {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Look", "url": "https://x.example"}]},
]


@pytest.fixture
def shop() -> Channel:
    settings = {"phone_number_id": "1", "token": "EAA", "app_secret": "s", "waba_id": "102"}
    return factory.channel("shop", "whatsapp", **settings)


def test_without_a_channel_that_has_templates_the_page_says_so(admin: Client) -> None:
    assert b"No channel has templates" in admin.get("/channels/templates/").content
    factory.channel()
    assert b'href="/channels/templates/"' not in admin.get("/channels/").content


def test_templates_are_shown_with_what_they_say(admin: Client, shop: Channel) -> None:
    assert b'href="/channels/templates/"' in admin.get("/channels/").content
    assert b"The list has not been fetched yet." in admin.get("/channels/templates/").content
    for name, status in (("spring", "approved"), ("summer", "sparkling")):
        MessageTemplate.objects.create(
            channel=shop, name=name, language="en", status=status, category="marketing",
            quality="red", components=COMPONENTS,
        )  # fmt: skip
    html = admin.get("/channels/templates/").content.decode()
    for words in ("spring", "Approved", "sparkling", "Marketing", "Low", "Hello {{1}} &lt;b&gt;"):
        assert words in html
    for words in ("Reply STOP", "Look", "image"):
        assert words in html
    html = admin.get(f"/channels/templates/?q=SUMM&channel={shop.pk}").content.decode()
    assert ("summer" in html, "spring" in html) == (True, False)
    assert b"No template has this in its name" in admin.get("/channels/templates/?q=x").content


def test_a_refresh_is_ordered_or_refused_with_the_reason(admin: Client, shop: Channel) -> None:
    page = admin.post(f"/channels/{shop.pk}/templates/refresh", follow=True)
    assert b"A worker is fetching the list." in page.content
    other = factory.channel("hook")
    page = admin.post(f"/channels/{other.pk}/templates/refresh", follow=True)
    assert b"no list of templates" in page.content


def test_the_compose_page_names_the_places_of_a_listed_template(
    admin: Client, shop: Channel
) -> None:
    MessageTemplate.objects.create(
        channel=shop, name="spring", language="en", status="approved", components=COMPONENTS
    )
    template = {"name": "spring", "language": "en", "variables": ["https://x.example/a.png"]}
    draft = factory.draft([shop], data_type="template", template=template)
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert '<option value="spring">en</option>' in html
    assert "URL of the picture in the header" in html
    assert html.count('name="template_variables"') == 2
    draft.template = {"name": "unknown", "language": "en", "variables": ["a"]}
    draft.save()
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert "URL of the picture" not in html
    assert html.count('name="template_variables"') == 2  # and an empty one for another


def test_the_compose_page_names_variables_that_have_names(admin: Client, shop: Channel) -> None:
    MessageTemplate.objects.create(
        channel=shop, name="named", language="en", status="approved",
        components=[
            {"type": "HEADER", "format": "TEXT", "text": "For {{season}}"},
            {"type": "BODY", "text": "Hi {{first_name}}"},
        ],
    )  # fmt: skip
    rows = rows_of("named", "en", ["spring"], [shop], 10)
    assert [(row.value, row.label) for row in rows] == [
        ("spring", "Header: {{season}}"), ("", "{{first_name}}")
    ]  # fmt: skip

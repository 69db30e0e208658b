"""Broadcasts in Markdown, HTML and MJML: checked, fixed at launch, sent with tracked links."""

import email
import re
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from clarion.accounts import audit
from clarion.broadcasts import drafts, gaps, launch, singles
from clarion.broadcasts.approvals import digest
from clarion.broadcasts.mail_advice import advice_on
from clarion.broadcasts.mail_bodies import layout_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import NO_MAIL, NO_URL_OF_IMAGE, check, content_problems
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.clicks.models import OPENED, Click
from clarion.config import Settings
from clarion.contacts.attribute_uses import uses_in_texts
from clarion.content.mail.layouts import delete_layout, save_layout
from clarion.content.models import Layout
from clarion.engine import reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, next_step
from clarion.transport.messages import SmtpRequest
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
PUBLIC = "https://clarion.example"
MARKDOWN = (
    "Hello **{{ contact.name }}**, see [the shop](https://shop.example/?n={{ contact.name }}&b=1)."
)


@pytest.fixture
def public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
def mail() -> Channel:
    channel = factory.channel("Mail", "email")
    factory.address(channel, "dana@x.example", "<Dana> & Co")
    return channel


def layout(name: str = "Shop", html: str = "<i>{{ content }}</i>", **more: Any) -> Layout:
    fields = {"address": "Shop Ltd\nBonn", "is_default": False, **more}
    return save_layout(None, name=name, html=html, by=factory.BY, **fields)


def draft(channel: Channel, text: str = MARKDOWN, **fields: Any) -> Broadcast:
    return drafts.create_draft(
        by=factory.BY, channels=[channel], text=text, audience=Audience(kind="all"),
        title="Spring", **{"format": "markdown", **fields},
    )  # fmt: skip


def step_of(channel: Channel) -> MessageStep:
    [claimed] = claim(channel.pk, reap.register(), 1).messages
    limits = adapter(channel).limits
    step = next_step(claimed, snapshot.job(claimed.broadcast), limits)
    assert isinstance(step, MessageStep)
    return step


def sent(channel: Channel) -> EmailMessage:
    request = adapter(channel).request(step_of(channel).outgoing)
    assert isinstance(request, SmtpRequest)
    return email.message_from_bytes(request.whole, policy=policy.default)


def bodies(message: EmailMessage) -> tuple[str, str]:
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return plain.get_content(), rich.get_content()


def test_an_e_mail_has_both_bodies_in_its_layout(public: None, mail: Channel) -> None:
    shop = layout()
    head = {"layout": str(shop.pk), "preheader": "For {{ contact.name }}"}
    factory.sending([mail], text=MARKDOWN, format="markdown", mail=head, track_clicks=True)
    plain, rich = bodies(sent(mail))
    assert "<strong>&lt;Dana&gt; &amp; Co</strong>" in rich
    assert f'href="{PUBLIC}/c/' in rich
    assert "shop.example" not in rich
    assert ">For &lt;Dana&gt; &amp; Co&#" in rich
    assert "Hello <Dana> & Co, see the shop (https://clarion.example/" in plain
    assert "Shop Ltd\nBonn\nUnsubscribe: https://clarion.example/" in plain.replace("\r", "")
    assert rich.count("Unsubscribe</a>") == plain.count("Unsubscribe") == 1


def test_other_channels_send_the_text_alone(public: None) -> None:
    shop = factory.channel("Hook", url="https://hook.example/in")
    factory.people(shop, 1)
    factory.sending([shop], text="Hello **{{ contact.name }}**", format="markdown")
    step = step_of(shop)
    assert step.outgoing.text == step.shown == "Hello Person 0"
    assert step.outgoing.mail is None


def test_values_of_links_are_not_escaped_twice(public: None, mail: Channel) -> None:
    factory.sending([mail], text=MARKDOWN, format="markdown", track_clicks=True)
    _, rich = bodies(sent(mail))
    url = rich.partition(f'href="{PUBLIC}')[2].partition('"')[0]
    answer = ProgramClient().get(url)
    assert answer.status_code == 302
    assert answer["Location"] == "https://shop.example/?n=%3CDana%3E%20&%20Co&b=1"


def test_a_layout_is_fixed_at_launch_and_no_longer_when_that_is_undone(mail: Channel) -> None:
    shop = layout()
    broadcast = draft(mail, mail={"layout": str(shop.pk)})
    before = digest(broadcast)
    shop.html = "<b>{{ content }}</b>"
    shop.save()
    assert digest(broadcast) != before
    launched = launch.start(broadcast, by=factory.BY)
    delete_layout(shop, by=factory.BY)
    launched.refresh_from_db()
    source = layout_of(launched)
    assert source is not None
    assert source.html == "<b>{{ content }}</b>"
    undone = launch.undo(launched, by=factory.BY)
    assert "The layout of the e-mails was deleted. Choose another one." in check(undone)


def test_the_default_layout_and_none(mail: Channel) -> None:
    assert "{{ footer }}" in getattr(layout_of(draft(mail)), "html", "")
    layout("Ours", is_default=True)
    layout("Newer", "<u>{{ content }}</u>", is_default=True)
    assert Layout.objects.get(is_default=True).name == "Newer"
    assert getattr(layout_of(draft(mail)), "html", "") == "<u>{{ content }}</u>"
    assert layout_of(draft(mail, mail={"layout": "none"})) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi {{ contact.nobody }}", "contact.nobody"),
        ("<div>" * 500, "elements in one another"),
        ("{{ unsubscribe_url }}", "needs the public address"),
    ],
)
def test_what_is_wrong_with_a_body_is_reported(mail: Channel, text: str, words: str) -> None:
    problems = content_problems(draft(mail, text, format="html"), [mail])
    assert any(words in problem for problem in problems), problems


def test_a_variable_of_the_layout_is_checked_too(mail: Channel) -> None:
    shop = layout(html="{{ content }} {{ contact.nobody }}")
    problems = content_problems(draft(mail, mail={"layout": str(shop.pk)}), [mail])
    assert any("contact.nobody" in problem for problem in problems)


def test_a_test_send_has_the_body_and_its_layout(public: None, mail: Channel) -> None:
    shop = layout()
    broadcast = draft(mail, mail={"layout": str(shop.pk)})
    single = singles.send_test(broadcast, mail.addresses.get(), by=factory.BY)
    assert single.mail_layout == {"html": "<i>{{ content }}</i>", "address": "Shop Ltd\nBonn"}


def test_advice_is_for_e_mails_that_can_be_sent(public: None, mail: Channel) -> None:
    broadcast = draft(mail, "<img src=a.png>Hi", format="html")
    advice = advice_on(broadcast, [mail])
    assert [sentence for sentence in advice if "alternative text" in sentence]
    assert [sentence for sentence in advice if "postal address" in sentence]
    assert advice_on(broadcast, [factory.channel("Hook")]) == []
    broken = draft(mail, "<div>" * 500, format="html")
    assert advice_on(broken, [mail]) == []


def test_what_a_message_is_for(mail: Channel) -> None:
    person = mail.addresses.get()
    by_agent = singles.send_single(person, by=factory.agent(), text="Hi")
    by_worker = singles.send_single(person, by=audit.WORKER, text="Help")
    broadcast = factory.sending([mail], text="News")
    purposes = [snapshot.job(each.pk).purpose for each in (by_agent, by_worker, broadcast)]
    assert purposes == ["single", "automatic", "broadcast"]


def test_layouts_are_among_what_shows_an_attribute(mail: Channel) -> None:
    shop = layout(html='{{ content }} {{ contact.city | default("you") }}')
    launched = launch.start(draft(mail, mail={"layout": str(shop.pk)}), by=factory.BY)
    assert uses_in_texts()["city"] == ["layout “Shop”", f"broadcast {launched.pk}"]


def test_nobody_is_counted_for_a_page_without_variables(
    public: None, mail: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "_groups", lambda *_, **__: pytest.fail("the audience was counted"))
    assert gaps.find_gaps(draft(mail, "# Spring"), [mail]) == []


def test_people_without_a_variable_of_a_page_are_counted(mail: Channel) -> None:
    (gap,) = gaps.find_gaps(draft(mail, "<p>{{ contact.city }}</p>"), [mail])
    assert (gap.variable, gap.people) == ("contact.city", 1)


@pytest.mark.parametrize("written", ["text", "markdown"])
def test_i6_an_e_mail_whose_opens_are_counted_has_an_image(
    public: None, mail: Channel, written: str
) -> None:
    head = {"preheader": "Today"} if written == "markdown" else {}
    broadcast = factory.sending([mail], text=MARKDOWN, format=written, mail=head, track_opens=True)
    plain, rich = bodies(sent(mail))
    (url,) = re.findall(rf'<img src="({PUBLIC}/c/[^"]+)" width="1" height="1" alt=""', rich)
    assert url not in plain
    assert rich.rstrip().endswith("</body></html>") or written == "markdown"
    assert ProgramClient().get(url.removeprefix(PUBLIC)).status_code == 200
    click = Click.objects.get()
    assert (click.broadcast_id, click.link_id) == (broadcast.pk, OPENED)


def test_i6_other_messages_have_no_image(public: None, mail: Channel) -> None:
    factory.sending([mail], text=MARKDOWN, format="markdown")
    assert "<img" not in bodies(sent(mail))[1]
    hook = factory.channel("Hook", url="https://hook.example/in")
    factory.people(hook, 1)
    factory.sending([hook, mail], text="Hello", track_opens=True)
    assert step_of(hook).outgoing.mail is None


def test_i6_what_stands_in_the_way_of_counting_opens(mail: Channel, settings: Settings) -> None:
    hook = factory.channel("Hook", url="https://hook.example/in")
    factory.people(hook, 1)
    draft = factory.draft([mail], text="Hello", track_opens=True)
    assert NO_URL_OF_IMAGE in check(draft)
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": PUBLIC})
    assert check(draft) == []
    assert check(factory.draft([hook], text="Hello", track_opens=True)) == [NO_MAIL]
    assert check(factory.draft([hook, mail], text="Hello", track_opens=True)) == []

"""Attachments of a broadcast and pictures in its e-mails: stored, checked, sent, kept."""

import asyncio
import email
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from clarion.broadcasts import drafts, singles
from clarion.broadcasts.errors import LaunchError, SingleError
from clarion.broadcasts.mail_advice import advice_on
from clarion.broadcasts.mail_files import delete_unused_uploads
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import check_parts, content_problems
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.contacts.models import Address
from clarion.content import media
from clarion.content.mail.layouts import save_layout
from clarion.content.models import Upload
from clarion.content.stories import create_story
from clarion.engine import reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, NextStep, next_step, plain_step
from clarion.kit import clock
from clarion.transport.messages import SmtpRequest
from support import factory

pytestmark = pytest.mark.django_db
PUBLIC = "https://clarion.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def public(settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
def mail() -> Channel:
    channel = factory.channel("Mail", "email")
    factory.address(channel, "dana@x.example", "Dana")
    return channel


@pytest.fixture
def menu() -> Upload:
    return media.save_upload("menu.pdf", "application/pdf", [b"%PDF-1.7 menu"])


@pytest.fixture
def logo() -> Upload:
    return media.save_upload("logo.png", "", [PNG], image=True)


def draft(channel: Channel, text: str = "Hi", written: str = "text", **of_mail: Any) -> Broadcast:
    return drafts.create_draft(
        by=factory.BY, channels=[channel], text=text, title="Spring", mail=of_mail,
        audience=Audience(kind="all"), format=written,
    )  # fmt: skip


def attached(broadcast: Broadcast) -> list[str]:
    tokens: list[str] = broadcast.mail.get("attachments", [])
    return tokens


def sent(channel: Channel, **fields: Any) -> EmailMessage:
    factory.sending([channel], **fields)
    [claimed] = claim(channel.pk, reap.register(), 1).messages
    job = snapshot.job(claimed.broadcast)
    assert job.broken == ""

    async def rendered() -> NextStep:  # as a worker does, where no database may be asked
        return next_step(claimed, job, adapter(channel).limits)

    step = asyncio.run(rendered())
    assert isinstance(step, MessageStep)
    if job.page is None and job.script is None:
        again = plain_step(claimed, job, step.shown, adapter(channel).limits)
        assert again.outgoing == step.outgoing
    request = adapter(channel).request(step.outgoing)
    assert isinstance(request, SmtpRequest)
    return email.message_from_bytes(request.whole, policy=policy.default)


def test_attachments_are_stored_replaced_and_removed(mail: Channel, menu: Upload) -> None:
    broadcast = draft(mail, attachments=[menu.token, menu.token], from_name="Anna")
    assert attached(broadcast) == [menu.token]
    drafts.edit_draft(broadcast, by=factory.BY, mail={"preheader": "New"})
    assert attached(broadcast) == [menu.token]
    assert drafts.duplicate(broadcast, by=factory.BY).mail == broadcast.mail
    drafts.edit_draft(broadcast, by=factory.BY, mail={"attachments": []})
    assert broadcast.mail == {"from_name": "Anna", "preheader": "New"}


def test_what_can_be_no_attachment_is_refused(mail: Channel) -> None:
    with pytest.raises(LaunchError, match="no such upload"):
        draft(mail, attachments=["abcdefghijklmnop"])
    with pytest.raises(LaunchError, match="at most 20"):
        draft(mail, attachments=[f"abcdefghijklmn{number:02}" for number in range(21)])
    with pytest.raises(LaunchError, match="hosted or inline"):
        draft(mail, images="beside")


def test_a_text_is_sent_with_its_attachments(mail: Channel, menu: Upload) -> None:
    message = sent(mail, text="Hi", mail={"attachments": [menu.token]})
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "menu.pdf"
    assert attachment.get_content() == b"%PDF-1.7 menu"


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("images", ["hosted", "inline"])
def test_pictures_are_hosted_or_in_the_e_mail(
    mail: Channel, menu: Upload, logo: Upload, images: str
) -> None:
    url = f"{PUBLIC}{media.address(logo)}"
    text = (
        f"![Our logo]({url}) Hello {{{{ contact.name }}}}\n\n"
        f'<img alt="{{{{ contact.name | default("you") }}}}" src="{url}">\n\n'
        "![Other](https://elsewhere.example/media/abcdefghijklmnop/x.png)"
    )
    fields = {"images": images, "attachments": [menu.token]}
    message = sent(mail, text=text, format="markdown", mail=fields)
    page = message.get_body(("html",))
    assert page is not None
    html = page.get_content()
    assert "https://elsewhere.example/media/" in html
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    if images == "hosted":
        assert html.count(f'src="{url}"') == 2
        assert pictures == []
        return
    [picture] = pictures
    assert picture.get_content() == PNG
    assert html.count(f'src="cid:{picture["Content-ID"].strip("<>")}"') == 2
    assert 'alt="Dana"' in html


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("images", ["hosted", "inline"])
def test_a_picture_of_a_story_follows_the_choice(mail: Channel, logo: Upload, images: str) -> None:
    story = create_story(
        name="Look", blocks=[{"kind": "image", "media": logo.token, "caption": "Look"}],
        by=factory.BY,
    )  # fmt: skip
    message = sent(mail, data_type="story", story=story, mail={"images": images})
    inline = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert len(inline) == (images == "inline")


def test_other_channels_refuse_attachments_in_words(mail: Channel, menu: Upload) -> None:
    broadcast = draft(mail, attachments=[menu.token])
    assert content_problems(broadcast, [mail]) == []
    [problem] = content_problems(broadcast, [mail, factory.channel("Hook")])
    assert problem == (
        "Attachments: Hook sends no e-mail, so it can't send them. Remove them, or leave the "
        "channel out."
    )
    drafts.edit_draft(broadcast, by=factory.BY, data_type="story")
    assert check_parts(broadcast)[
        "Attachments: only a text can have them. Put the files into the story, or remove the "
        "attachments."
    ] == "mail"  # fmt: skip


def test_the_size_with_base64_is_checked_before_sending(mail: Channel) -> None:
    megabyte = bytes(1_000_000)
    tokens = [media.save_upload(f"{number}.bin", "", [megabyte] * 10).token for number in range(2)]
    broadcast = draft(mail, attachments=tokens)
    [problem] = [text for text, part in check_parts(broadcast).items() if part == "mail"]
    assert problem == (
        "Attachments: The e-mail would have 27.4 MB with its files; Mail accepts at most 25 MB. "
        "Remove a file, or link to it instead."
    )
    drafts.edit_draft(broadcast, by=factory.BY, mail={"attachments": tokens[:1]})
    advice = "\n".join(advice_on(broadcast, [mail]))
    assert "13.7 MB" in advice
    assert "Link to the file instead" in advice


def test_an_upload_that_is_gone_is_a_problem_and_breaks_nothing_else(
    mail: Channel, menu: Upload
) -> None:
    broadcast = draft(mail, attachments=[menu.token])
    media.path(menu.token).unlink()
    assert content_problems(broadcast, [mail]) == [
        "Attachments: The upload “menu.pdf” no longer exists. Upload it again."
    ]
    menu.delete()
    assert "There is no such upload" in snapshot.job(broadcast.pk).broken


def test_a_single_has_attachments_on_e_mail_only(mail: Channel, menu: Upload) -> None:
    dana = Address.objects.get()
    files = {"attachments": [menu.token]}
    hook = factory.channel("Hook")
    person = factory.people(hook, 1)[0]
    wanted = [
        singles.Single(address, by=factory.BY, text="Your menu", mail=files)
        for address in (dana, person)
    ]
    sent, refused = singles.send_filled(wanted)
    assert isinstance(sent, tuple)
    assert [file.token for file in snapshot.job(sent[0].pk).attachments] == [menu.token]
    assert isinstance(refused, SingleError)
    assert "sends no e-mail" in str(refused)


def test_uploads_that_a_broadcast_or_layout_uses_are_kept(
    mail: Channel, menu: Upload, logo: Upload
) -> None:
    in_layout = media.save_upload("head.png", "", [PNG + b"2"], image=True)
    unused = media.save_upload("old.txt", "", [b"old"])
    draft(mail, f"![x]({media.address(logo)})", "markdown", attachments=[menu.token])
    html = f'<img alt="" src="{media.address(in_layout)}">{{{{ content }}}}'
    save_layout(None, name="Own", html=html, address="", is_default=False, by=factory.BY)
    Upload.objects.update(created_at=clock.now() - timedelta(days=8))
    assert delete_unused_uploads() == 1
    assert not Upload.objects.filter(pk=unused.pk).exists()
    Broadcast.objects.all().delete()
    assert delete_unused_uploads() == 2
    assert set(Upload.objects.values_list("pk", flat=True)) == {in_layout.pk}


def test_an_upload_is_read_once_while_it_is_sent(menu: Upload) -> None:
    measured = media.measure(menu.token)
    first = media.hold(measured)
    assert media.hold(replace(measured, name="other.pdf")).data is first.data
    assert first.data == b"%PDF-1.7 menu"

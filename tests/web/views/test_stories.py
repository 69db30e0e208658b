"""Stories: the list, the page on which one is written, and two people on it at once."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clarion.accounts.models import Role
from clarion.broadcasts.models import Broadcast
from clarion.content import media
from clarion.content.blocks import WebhookBlock, from_stored
from clarion.content.models import Story, Upload
from clarion.content.script import compile_script
from clarion.content.stories import archive_story, create_story, newest, save_story
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
HELLO = [{"kind": "text", "text": "Hello {{ contact.name }}"}]
HOOK = "https://example.org/in"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


def add_story(name: str = "Welcome", blocks: Any = HELLO) -> Story:
    return create_story(name=name, blocks=blocks, by=factory.BY)


def typed(name: str = "Welcome", *blocks: dict[str, Any], number: int = 0, **more: Any) -> Any:
    """What a browser sends for this page; each block is given by its fields, kind first."""
    data: dict[str, Any] = {"name": name, "number": number, "block": [], **more}
    for place, fields in enumerate(blocks):
        key = fields.get("key", f"n{place}")
        data["block"].append(key)
        for name_, value in fields.items():
            if name_ == "buttons":
                data[f"{key}-button"] = [f"{key}c{i}" for i in range(len(value))]
                for i, button in enumerate(value):
                    data.update({f"{key}c{i}-{part}": held for part, held in button.items()})
            elif name_ != "key":
                data[f"{key}-{name_}"] = value
    return data


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"kind": "text", "text": words, **more}


def ids_of(html: str) -> list[str]:
    return re.findall(r'<input type="hidden" name="block" value="(\w+)">', html)


def test_an_empty_list_leads_on(admin: Client, log_in: LogIn) -> None:
    assert b'href="/stories/new/"' in admin.get("/stories/").content
    html = log_in(Role.VIEWER).get("/stories/").content.decode()
    assert "/stories/new/" not in html
    assert "An agent with the role sender can add one." in html


def test_the_list(admin: Client) -> None:
    story = add_story(blocks=[*HELLO, text("b"), {"kind": "webhook", "url": HOOK}])
    add_story("Other")
    for _ in range(2):
        Broadcast.objects.create(data_type="story", story=story)
    Broadcast.objects.create(data_type="story", story=story, type="single")

    html = admin.get("/stories/").content.decode()
    assert "2 texts, 1 webhook" in html
    assert re.search(r'data-label="Broadcasts">2<', html)
    assert "Other" not in admin.get("/stories/?q=welc").content.decode()
    assert "No stories found" in admin.get("/stories/?q=zzz").content.decode()


def test_a_long_list_is_paged(admin: Client) -> None:
    for number in range(53):
        add_story(f"Story {number}")
    html = admin.get("/stories/").content.decode()
    following = re.search(r'href="(/stories/\?after=\d+)" rel="next"', html)
    assert following
    rest = admin.get(following[1]).content.decode()
    assert "Story 2<" in rest
    assert "Story 3<" not in rest


def test_b2_a_story_is_written_saved_and_written_on(admin: Client) -> None:
    """All five kinds of blocks, from the page to what the engine sends."""
    more = add_story("More")
    response = admin.post(
        "/stories/new/",
        typed(
            " Welcome ",
            text("Hello {{ contact.name }}\r\nBye"),
            {"kind": "image", "url": "https://a.example/{{ contact.id }}.png", "caption": "You"},
            {"kind": "file", "url": "https://a.example/menu.pdf", "name": "Menu", "caption": ""},
            {
                "kind": "buttons",
                "text": "And now?",
                "buttons": [
                    {"kind": "link", "label": "Shop", "value": "https://shop.example"},
                    {"kind": "reply", "label": "Yes", "value": ""},
                    {"kind": "story", "label": "More", "value": str(more.pk)},
                    {"kind": "link", "label": "", "value": "", "removed": "yes"},
                ],
            },
            {"kind": "webhook", "url": HOOK, "secret": "hush", "timeout": "5",
             "allow_private": "on"},
            text("removed", removed="yes"),
            save="yes",
        ),
    )  # fmt: skip
    story = Story.objects.get(name="Welcome")
    assert response["Location"] == f"/stories/{story.pk}/"
    version = newest(story)
    assert version.agent
    assert version.agent.name == "Admin Example"

    script = compile_script(version.blocks, load=media.describe)
    *messages, webhook = script.steps
    shown = [step.render({"name": "Ann", "id": "7"}).shown() for step in messages]  # type: ignore[union-attr]
    assert shown == [
        "Hello Ann\nBye",
        "[image: https://a.example/7.png]\nYou",
        "[file: https://a.example/menu.pdf]",
        "And now?\n[Shop → https://shop.example]\n[Yes]\n[More]",
    ]
    assert (webhook.url, webhook.timeout, webhook.allow_private) == (HOOK, 5, True)  # type: ignore[union-attr]

    html = admin.get(f"/stories/{story.pk}/").content.decode()
    assert ids_of(html) == [f"v1b{place}" for place in range(1, 6)]
    assert "hush" not in html
    assert "Leave empty to keep the saved secret" in html


def test_b2_a_running_broadcast_keeps_the_version_it_started_with(admin: Client) -> None:
    story = add_story()
    first = newest(story)
    broadcast = Broadcast.objects.create(data_type="story", story=story, story_version=first)

    edited = typed("Welcome", text("New words", key="v1b1"), number=1, save="yes")
    assert admin.post(f"/stories/{story.pk}/", edited).status_code == 302

    broadcast.refresh_from_db()
    assert broadcast.story_version
    assert broadcast.story_version.blocks[0]["text"] == "Hello {{ contact.name }}"
    assert newest(story).number == 2
    html = admin.get(f"/stories/{story.pk}/").content.decode()
    assert "1 broadcast uses this story" in html


def test_b3_a_webhook_keeps_its_secret_until_another_is_typed(admin: Client) -> None:
    story = add_story(blocks=[{"kind": "webhook", "url": HOOK, "secret": "hush-hush"}])

    def saved(number: int, **fields: str) -> str:
        block = {"kind": "webhook", "key": f"v{number}b1", "secret": "", "timeout": "10", **fields}
        data = typed("Welcome", block, number=number, save="yes")
        assert admin.post(f"/stories/{story.pk}/", data).status_code == 302
        (stored,) = from_stored(newest(story).blocks)
        assert isinstance(stored, WebhookBlock)
        return stored.secret.get_secret_value()

    assert saved(1, url=f"{HOOK}/other") == "hush-hush"
    assert saved(2, url=HOOK, secret="another") == "another"
    assert saved(3, url=HOOK, drop_secret="on") == ""
    assert "hush" not in str(list(story.versions.values_list("blocks", flat=True)))


def test_b3_a_webhook_is_not_asked_by_the_preview(admin: Client) -> None:
    story = add_story(
        blocks=[{"kind": "webhook", "url": "http://127.0.0.1:9/in", "allow_private": True}]
    )
    html = admin.get(f"/stories/{story.pk}/").content.decode()
    assert "The messages that your webhook answers with appear here." in html


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(admin: Client) -> None:
    data = typed(
        "", text("Hello {{ contact.name", key="na"),
        {"kind": "image", "key": "nb", "url": "cat.png", "caption": "keep me"},
        {"kind": "buttons", "key": "nc", "text": "?", "buttons": [{"kind": "link", "label": ""}]},
        {"kind": "webhook", "key": "nd", "url": HOOK, "secret": "whsec_!", "timeout": "99"},
        save="yes",
    )  # fmt: skip
    response = admin.post("/stories/new/", data)
    html = response.content.decode()

    assert response.status_code == 422
    assert not Story.objects.exists()
    assert "keep me" in html
    assert "whsec_!" not in html
    assert re.search(r'href="#nd-secret">Block 4: ', html)
    for place, said in {
        "name-problem": "Give the story a name.",
        "na-text-problem": "is not closed",
        "nb-url-problem": "must begin with https://",
        "ncc0-problem": "The button has no words. Write some.",
        "nd-secret-problem": "must be base64",
        "nd-timeout-problem": "from 1 to 30 seconds",
    }.items():
        beside = re.search(f'id="{place}"[^>]*>([^<]*)<', html)
        assert beside, place
        assert said in beside[1], place


def test_nothing_is_nagged_about_before_it_is_written(admin: Client) -> None:
    html = admin.get("/stories/new/").content.decode()
    assert "Write one." not in re.sub(r'<div class="talk".*?</aside>', "", html, flags=re.DOTALL)
    assert "Give the story a name" not in html


def test_a_name_that_is_taken_is_said_beside_it(admin: Client) -> None:
    add_story("Taken")
    html = admin.post("/stories/new/", typed("Taken", text("a"), save="yes")).content.decode()
    assert re.search('id="name-problem">[^<]*already a story called “Taken”', html)


def test_two_people_saving_are_told_and_lose_nothing(admin: Client) -> None:
    story = add_story()
    save_story(story, blocks=[text("hers")], by=factory.agent(), number=1)
    mine = typed("Welcome", text("mine", key="v1b1"), number=1, save="yes")

    response = admin.post(f"/stories/{story.pk}/", mine)
    html = response.content.decode()
    assert response.status_code == 422
    assert "Ada has saved version 2 while you were editing" in html
    assert ">mine</textarea>" in html
    assert newest(story).blocks == [text("hers")]

    del mine["save"]
    assert admin.post(f"/stories/{story.pk}/", mine | {"over": "2"}).status_code == 302
    assert newest(story).number == 3
    assert newest(story).blocks == [text("mine")]


def test_a_draft_tells_that_somebody_has_saved(admin: Client) -> None:
    story = add_story()
    data = typed("Welcome", text("mine"), number=1, story=story.pk)
    assert "in the meantime" not in admin.post("/stories/draft", data).content.decode()
    save_story(story, blocks=[text("hers")], by=factory.agent(), number=1)
    assert (
        "Ada has saved version 2 in the meantime"
        in admin.post("/stories/draft", data).content.decode()
    )


@pytest.mark.parametrize("address", ["/stories/draft", "/stories/new/"])
@pytest.mark.parametrize(
    ("do", "order"),
    [
        ("up:na", ["na", "nb", "nc"]),
        ("up:nc", ["nc", "na", "nb"]),
        ("down:na", ["nb", "nc", "na"]),
        ("down:nc", ["na", "nb", "nc"]),
        ("down:nz", ["na", "nb", "nc"]),
        ("nonsense", ["na", "nb", "nc"]),
    ],
)
def test_blocks_are_moved_past_removed_ones(
    admin: Client, address: str, do: str, order: list[str]
) -> None:
    blocks = [text("a", key="na"), text("b", key="nb", removed="yes"), text("c", key="nc")]
    html = admin.post(address, typed("Welcome", *blocks, do=do)).content.decode()
    assert ids_of(html) == order
    assert not Story.objects.exists()


def test_removing_can_be_undone(admin: Client) -> None:
    data = typed("Welcome", text("keep me", key="na"))
    response = admin.post("/stories/draft", data | {"do": "remove:na"})
    assert response["X-Focus"] == "na-back"
    html = response.content.decode()
    assert 'name="na-removed" value="yes"' in html
    assert "keep me" in html

    back = admin.post("/stories/draft", data | {"na-removed": "yes", "do": "back:na"})
    assert "na-removed" not in back.content.decode()
    assert back["X-Focus"] == "block-na"


@pytest.mark.parametrize("kind", ["text", "image", "file", "buttons", "webhook"])
def test_blocks_are_added_below(admin: Client, kind: str) -> None:
    data = typed("Welcome", text("a", key="na"), do=f"add:{kind}")
    response = admin.post("/stories/draft", data)
    first, added = ids_of(response.content.decode())
    assert first == "na"
    assert response["X-Focus"] == f"block-{added}"
    assert f'name="{added}-kind" value="{kind}"' in response.content.decode()


def test_buttons_are_added_removed_and_brought_back(admin: Client) -> None:
    block = {"kind": "buttons", "key": "na", "text": "?", "buttons": [
        {"kind": "reply", "label": "Yes"}]}  # fmt: skip
    data = typed("Welcome", block)
    html = admin.post("/stories/draft", data | {"do": "add-button:na:story"}).content.decode()
    assert html.count('name="na-button"') == 2
    assert "Choose…" in html

    html = admin.post("/stories/draft", data | {"do": "remove-button:na:nac0"}).content.decode()
    assert 'name="nac0-removed" value="yes"' in html
    data |= {"nac0-removed": "yes", "do": "back-button:na:nac0"}
    assert "nac0-removed" not in admin.post("/stories/draft", data).content.decode()


def test_an_image_is_uploaded_at_once(admin: Client) -> None:
    data = typed("Welcome", {"kind": "image", "key": "na", "url": "https://a.example/x.png"})
    data["na-file"] = SimpleUploadedFile("a cat.png", PNG, "image/png")
    html = admin.post("/stories/draft", data).content.decode()

    row = Upload.objects.get()
    assert f'name="na-media" value="{row.token}"' in html
    assert f'<img src="/media/{row.token}/a%20cat.png"' in html
    saved = typed("Welcome", {"kind": "image", "key": "na", "media": row.token}, save="yes")
    assert admin.post("/stories/new/", saved).status_code == 302
    assert newest(Story.objects.get()).blocks[0]["media"] == row.token

    dropped = admin.post("/stories/draft", saved | {"do": "drop-upload:na"}).content.decode()
    assert 'name="na-url"' in dropped


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("image", b"<svg/>", "This is no PNG, JPEG, GIF or WebP image."),
        ("file", b"x" * 10_485_761, "The file is larger than 10 MB."),
    ],
)
def test_a_file_that_is_refused(admin: Client, kind: str, content: bytes, said: str) -> None:
    data = typed("Welcome", {"kind": kind, "key": "na"})
    data["na-file"] = SimpleUploadedFile("cat.png", content, "image/png")
    html = admin.post("/stories/draft", data).content.decode()
    assert said in html
    # Another id: the page takes a fresh field, and does not send the refused file again.
    assert not re.search(r'id="na-file"', html)
    assert not Upload.objects.exists()


def test_an_upload_that_is_gone_can_be_replaced(admin: Client) -> None:
    data = typed("Welcome", {"kind": "image", "key": "na", "media": "b" * 12})
    html = admin.post("/stories/draft", data).content.decode()
    assert "That upload is no longer available. Upload the file again." in html
    assert 'type="file"' in html


def test_the_preview_is_for_the_chosen_person(admin: Client) -> None:
    channel = factory.channel()
    addresses = factory.people(channel, 3)
    data = typed(
        "Welcome", text("Dear {{ contact.name }} {{ data.code }}"),
        {"kind": "image", "url": "https://a.example/x.png", "caption": "<b>cap</b>"},
        text("{{ contact.nmae }}"),
    )  # fmt: skip
    html = admin.post("/stories/draft", data).content.decode()
    assert "Dear Person 0 data.code" in words(html)
    assert "&lt;b&gt;cap&lt;/b&gt;" in html
    assert "there is no variable contact.nmae. Did you mean contact.name?" in html
    assert "No contact has “contact.nmae”" in html
    assert "No contact has “data.code”" not in html

    html = admin.post("/stories/draft", data | {"q": "Person 2"}).content.decode()
    assert f'value="preview:{addresses[2].pk}"' in html
    chosen = admin.post("/stories/draft", data | {"do": f"preview:{addresses[2].pk}"})
    assert "Dear Person 2 data.code" in words(chosen.content.decode())
    unknown = admin.post("/stories/draft", data | {"preview_address": "99999999"})
    assert "Dear Person 0" in unknown.content.decode()


def test_without_contacts_variables_stand_by_their_names(admin: Client) -> None:
    html = admin.get(f"/stories/{add_story().pk}/").content.decode()
    assert "Hello name" in words(html)


def test_duplicate_archive_and_restore(admin: Client) -> None:
    story = add_story()
    response = admin.post(f"/stories/{story.pk}/duplicate")
    copy = Story.objects.get(name="Welcome (copy)")
    assert response["Location"] == f"/stories/{copy.pk}/"

    response = admin.post(f"/stories/{copy.pk}/archive", follow=True)
    html = response.content.decode()
    assert "“Welcome (copy)” has been archived." in html
    assert f'action="/stories/{copy.pk}/restore"' in html
    assert "Welcome (copy)" in admin.get("/stories/?archived=yes").content.decode()
    assert "This story is archived." in admin.get(f"/stories/{copy.pk}/").content.decode()
    late = typed("Welcome (copy)", text("b"), number=1, save="yes")
    assert "is archived. Restore it" in admin.post(f"/stories/{copy.pk}/", late).content.decode()

    admin.post(f"/stories/{copy.pk}/restore")
    copy.refresh_from_db()
    assert copy.archived_at is None
    for act in ("duplicate", "archive", "restore"):
        assert admin.get(f"/stories/{story.pk}/{act}").status_code == 405
        assert admin.post(f"/stories/{copy.pk + 1}/{act}").status_code == 404


def test_earlier_versions_can_be_seen_and_written_on(admin: Client) -> None:
    story = add_story()
    save_story(story, blocks=[text("second")], by=factory.BY, number=1)
    html = admin.get(f"/stories/{story.pk}/").content.decode()
    assert f'href="/stories/{story.pk}/?version=1"' in html
    old = admin.get(f"/stories/{story.pk}/?version=1").content.decode()
    assert "Hello name" in words(old)
    assert "<form id=" not in old
    again = admin.get(f"/stories/{story.pk}/?from=1").content.decode()
    assert ids_of(again) == ["v1b1"]
    assert 'name="number" value="2"' in again
    for wrong in ("99", "x", "-1", "9" * 30):
        assert admin.get(f"/stories/{story.pk}/?version={wrong}").status_code == 200


def test_a_viewer_sees_and_changes_nothing(log_in: LogIn) -> None:
    story = add_story()
    viewer = log_in(Role.VIEWER)
    html = viewer.get(f"/stories/{story.pk}/").content.decode()
    assert "Hello name" in words(html)
    assert "<textarea" not in html
    assert viewer.get("/stories/new/").status_code == 403
    for address in ("", "duplicate", "archive", "restore"):
        data = typed("Other", text("b"), number=1, save="yes")
        assert viewer.post(f"/stories/{story.pk}/{address}", data).status_code == 403
    assert viewer.post("/stories/draft", typed("x")).status_code == 403
    assert newest(story).number == 1


def test_a_sender_may_write(log_in: LogIn) -> None:
    data = typed("Mine", text("a"), save="yes")
    assert log_in(Role.SENDER).post("/stories/new/", data).status_code == 302


def test_archived_stories_are_no_choice_of_a_button(admin: Client) -> None:
    gone, there = add_story("Gone"), add_story("There")
    archive_story(gone, by=factory.BY)
    block = {"kind": "buttons", "text": "?", "buttons": [
        {"kind": "story", "label": "a", "value": str(gone.pk)}]}  # fmt: skip
    html = admin.post("/stories/draft", typed("Welcome", block)).content.decode()
    assert f'<option value="{there.pk}">There</option>' in html
    assert ">Gone<" not in html
    assert "That story no longer exists. Choose another one." in html


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"block": ["<script>", "n1", "n1"], "n1-kind": "text", "n1-text": "a\x00b"},
        {"block": [f"n{i}" for i in range(100)], "n0-kind": "text"},
        {"block": ["n1"], "n1-kind": "video"},
        {"block": ["n1"], "n1-kind": "buttons", "n1-button": ["'", "x"], "x-kind": "?"},
        {"number": "9" * 50, "story": "x", "preview_address": "-1", "q": "\x00", "over": "²"},
        {"block": ["v9b9"], "v9b9-kind": "webhook", "v9b9-timeout": "soon", "v9b9-sealed": "yes"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("save", [{}, {"save": "yes"}])
def test_whatever_is_sent_is_answered(admin: Client, data: dict[str, Any], save: Any) -> None:
    assert admin.post("/stories/draft", data | save).status_code == 200
    assert admin.post("/stories/new/", data | save).status_code in {200, 422}
    story = add_story()
    assert admin.post(f"/stories/{story.pk}/", data | save).status_code in {200, 422}
    assert newest(story).number == 1


def test_only_managers_allow_private_addresses(log_in: LogIn) -> None:
    block = {"kind": "webhook", "key": "n1", "url": "http://10.0.0.1/", "allow_private": "on"}
    data = typed("Welcome", {**block, "secret": "", "timeout": "10"}, save="yes")
    refused = log_in("sender").post("/stories/new/", data)
    assert refused.status_code == 422
    assert b"Only managers can allow private addresses." in refused.content
    assert log_in("manager").post("/stories/new/", data).status_code == 302

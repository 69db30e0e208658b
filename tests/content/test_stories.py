"""Stories: versions, names, two people at once, copies, archive, secrets."""

from threading import Barrier, Thread
from typing import Any, ClassVar

import pytest
from django.db import connection

from clarion.accounts.models import AuditEntry
from clarion.content import media, script
from clarion.content.blocks import WebhookBlock, from_stored
from clarion.content.errors import StoryError
from clarion.content.models import Story, StoryVersion
from clarion.content.stories import (
    StoryConflict,
    archive_story,
    check_story,
    create_story,
    duplicate_story,
    find_story,
    newest,
    restore_story,
    save_story,
    story_list,
)
from support import factory

pytestmark = pytest.mark.django_db
HELLO = [{"kind": "text", "text": "Hello"}]
HOOK = {"kind": "webhook", "url": "https://example.org/in"}


def add_story(name: str = "Welcome", blocks: Any = HELLO) -> Story:
    return create_story(name=name, blocks=blocks, by=factory.BY)


def saved(story: Story, *blocks: Any, number: int = 1, **more: Any) -> StoryVersion:
    return save_story(story, blocks=list(blocks), by=factory.BY, number=number, **more)


def text(words: str) -> dict[str, str]:
    return {"kind": "text", "text": words}


def secret_of(version: StoryVersion, place: int = 0) -> str:
    block = from_stored(version.blocks)[place]
    assert isinstance(block, WebhookBlock)
    return block.secret.get_secret_value()


def test_saving_makes_a_new_version_and_leaves_the_old_one() -> None:
    ada = factory.agent()
    story = add_story("  Welcome\n to us ")
    first = newest(story)

    second = save_story(story, blocks=[text("Good day")], by=ada, number=1)

    assert story.name == "Welcome to us"
    assert (first.number, second.number, second.agent) == (1, 2, ada)
    assert newest(story) == second
    first.refresh_from_db()
    assert first.blocks == HELLO
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "actor"))
    assert actions == [("story.create", "command line"), ("story.save", "Ada")]


def test_saving_what_has_not_changed_makes_no_version() -> None:
    story = add_story()
    assert saved(story, *HELLO).number == 1
    renamed = saved(story, *HELLO, name="Goodbye")
    assert (renamed.number, renamed.story.name) == (1, "Goodbye")
    assert Story.objects.get().name == "Goodbye"
    assert StoryVersion.objects.count() == 1


def test_two_people_saving_are_told() -> None:
    story = add_story()
    save_story(story, blocks=[text("hers")], by=factory.agent(), number=1)

    with pytest.raises(StoryConflict, match="Ada has saved version 2 while you") as raised:
        saved(story, text("his"), number=1)

    assert raised.value.newest.number == 2
    assert newest(story).blocks == [text("hers")]
    assert saved(story, text("his"), number=2).number == 3


@pytest.mark.django_db(transaction=True)
def test_two_people_saving_at_the_same_moment() -> None:
    story = add_story()
    start, told = Barrier(2), []

    def save(words: str) -> None:
        try:
            mine = Story.objects.get(pk=story.pk)
            start.wait(60)
            told.append(saved(mine, text(words)).number)
        except StoryConflict as error:
            told.append(error.newest.number * 100)
        finally:
            connection.close()

    threads = [Thread(target=save, args=[words]) for words in ("his", "hers")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(told) == [2, 200]
    assert StoryVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (" ", "Give the story a name."),
        ("x" * 101, "100 characters at most"),
        ("17", "A number alone is taken for the number of a story"),
        ("Taken", "There is already a story called “Taken”. Choose another name."),
        ("Gone", "There is an archived story called “Gone”. Restore it, or choose another name."),
    ],
)
def test_names_that_can_not_be_used(name: str, said: str) -> None:
    add_story("Taken")
    archive_story(add_story("Gone"), by=factory.BY)
    story = add_story("Mine")

    for attempt in (lambda: add_story(name), lambda: saved(story, *HELLO, name=name)):
        with pytest.raises(StoryError) as raised:
            attempt()
        assert said in str(raised.value)
        assert raised.value.faults[0].field == "name"
    assert newest(story).number == 1


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(StoryError) as raised:
        add_story("", [text(""), {"kind": "image", "media": "b" * 12}])
    assert [fault.block for fault in raised.value.faults] == [0, 1]
    with pytest.raises(StoryError, match="Block 1: There is no such upload"):
        add_story("Name", [{"kind": "image", "media": "b" * 12}])


def test_a_file_is_no_image() -> None:
    token = media.save_upload("menu.pdf", "application/pdf", [b"%PDF"]).token
    assert add_story(blocks=[{"kind": "file", "media": token}])
    with pytest.raises(StoryError, match=r"“menu\.pdf” is no image"):
        add_story("Other", [{"kind": "image", "media": token}])


def test_a_button_names_a_story_that_is_there() -> None:
    def button(value: object) -> list[dict[str, Any]]:
        asks = {"kind": "story", "label": "More", "value": value}
        return [{"kind": "buttons", "text": "?", "buttons": [asks]}]

    more = add_story("More about us")
    for value in (more.pk, str(more.pk), "More about us"):
        story = add_story(f"Asks by {value!r}", button(value))
        assert newest(story).blocks[0]["buttons"][0]["value"] == str(more.pk)
    archive_story(more, by=factory.BY)
    for value in (more.pk, 10**17, "More about us", "Nothing"):
        with pytest.raises(
            StoryError, match=r"Block 1: (That story no longer exists|Choose the story)"
        ):
            add_story("Another", button(value))


def test_a_secret_is_kept_through_edits_and_moves() -> None:
    story = add_story(blocks=[{**HOOK, "secret": "hush-hush"}])
    assert "hush-hush" not in str(newest(story).blocks)

    second = saved(
        story, text("first"), {**HOOK, "keep": "1.1", "url": "https://example.org/other"}
    )
    assert secret_of(second, 1) == "hush-hush"
    third = saved(story, {**HOOK, "keep": "2.2", "secret": "another"}, number=2)
    assert secret_of(third) == "another"
    assert saved(story, {**HOOK, "keep": "3.1"}, number=3).number == 3
    fourth = saved(story, HOOK, number=3)
    assert secret_of(fourth) == ""


@pytest.mark.parametrize(
    "keep", ["1.0", "1.9", "9.1", "x.1", "1", "", "999999999.1", "1.1.1", ".1", "1.", "².1", "١.1"]
)
def test_what_is_no_block_keeps_no_secret(keep: str) -> None:
    story = add_story(blocks=[{**HOOK, "secret": "hush-hush"}])
    assert secret_of(saved(story, {**HOOK, "keep": keep})) == ""
    other = add_story("Other")
    assert secret_of(saved(other, {**HOOK, "keep": "1.1"})) == ""


def test_a_copy_is_a_story_of_its_own() -> None:
    story = add_story(blocks=[{**HOOK, "secret": "hush-hush"}])
    copies = [duplicate_story(story, by=factory.BY) for _ in range(3)]
    assert [copy.name for copy in copies] == [
        "Welcome (copy)", "Welcome (copy 2)", "Welcome (copy 3)",
    ]  # fmt: skip
    assert secret_of(newest(copies[2])) == "hush-hush"
    long = duplicate_story(add_story("x" * 100), by=factory.BY)
    assert long.name == "x" * 93 + " (copy)"


def test_archive_and_restore() -> None:
    story = add_story()
    archive_story(story, by=factory.BY)
    archive_story(story, by=factory.BY)
    assert story.archived_at
    assert story_list().versions == []
    assert [version.story for version in story_list(archived=True).versions] == [story]
    with pytest.raises(StoryError, match=r"is archived\. Restore it"):
        saved(story, text("new"))
    with pytest.raises(StoryError, match="There is no story"):
        find_story("Welcome")

    restore_story(story, by=factory.BY)
    assert story.archived_at is None
    assert find_story("Welcome") == find_story(story.pk) == find_story(str(story.pk)) == story
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["story.create", "story.archive", "story.restore"]


@pytest.mark.parametrize("wanted", ["", "0", "9" * 30, "nothing", "a\x00b", "²"])
def test_a_story_that_is_not_there(wanted: str) -> None:
    with pytest.raises(StoryError, match="There is no story"):
        find_story(wanted)


def test_the_list_is_searched_and_paged_by_the_newest_version() -> None:
    names = [f"Story {number}" for number in range(5)] + ["Ünal", "100 %"]
    stories = [add_story(name) for name in names]
    saved(stories[0], text("edited"))

    first = story_list(limit=4)
    assert [version.story.name for version in first.versions] == [
        "Story 0", "100 %", "Ünal", "Story 4",
    ]  # fmt: skip
    assert first.versions[0].number == 2
    rest = story_list(limit=4, after=first.next)
    assert [version.story.name for version in rest.versions] == ["Story 3", "Story 2", "Story 1"]
    assert rest.next is None
    for q, count in (("STORY 3", 1), ("ünal", 1), ("%", 1), ("_", 0), ("a\x00b", 0), ("y", 5)):
        assert len(story_list(q).versions) == count, q


def test_a_version_compiles() -> None:
    story = add_story(blocks=[{**HOOK, "secret": "hush"}, text("Hello {{ contact.name }}")])
    compiled = script.compile_script(newest(story).blocks, load=media.describe)
    assert isinstance(compiled.steps[0], script.WebhookStep)
    assert dict(compiled.steps[0].headers(b"{}", "k"))["webhook-signature"].startswith("v1,")


def test_a_secret_does_not_follow_to_another_server() -> None:
    story = add_story(blocks=[{**HOOK, "secret": "sesame"}])
    moved = {**HOOK, "keep": "1.1", "url": "https://evil.example/in"}
    with pytest.raises(StoryError) as refused:
        saved(story, moved)
    assert [(fault.block, fault.field) for fault in refused.value.faults] == [(1, "secret")]
    assert "Enter it again" in str(refused.value)
    assert secret_of(saved(story, {**moved, "secret": "another"})) == "another"


class TestPrivateAddresses:
    """Only managers let a story's webhook into the network that Clarion runs in."""

    PRIVATE: ClassVar = {**HOOK, "allow_private": True}

    @pytest.mark.parametrize("role", ["viewer", "sender"])
    def test_a_sender_can_not_allow_them(self, role: str) -> None:
        sender = factory.agent(role)
        for act in (create_story, check_story):
            with pytest.raises(StoryError) as refused:
                act(name="One", blocks=[text("Hi"), self.PRIVATE], by=sender)
            faults = [(fault.block, fault.field) for fault in refused.value.faults]
            assert faults == [(2, "allow_private")]
            assert "Only managers can allow private addresses." in str(refused.value)
        assert not Story.objects.exists()

    @pytest.mark.parametrize("role", ["manager", "admin"])
    def test_a_manager_can(self, role: str) -> None:
        create_story(name="One", blocks=[self.PRIVATE], by=factory.agent(role))
        create_story(name="Two", blocks=[self.PRIVATE], by=factory.BY)

    def test_a_sender_edits_around_what_a_manager_has_allowed(self) -> None:
        sender = factory.agent("sender")
        story = add_story(blocks=[self.PRIVATE])
        save_story(story, blocks=[text("Hi"), self.PRIVATE], by=sender, number=1)
        elsewhere = {**self.PRIVATE, "url": "http://127.0.0.1/secret"}
        with pytest.raises(StoryError, match="Only managers"):
            save_story(story, blocks=[elsewhere], by=sender, number=2)
        save_story(story, blocks=[text("Hi")], by=sender, number=2)
        with pytest.raises(StoryError, match="Only managers"):  # it was taken away again
            save_story(story, blocks=[self.PRIVATE], by=sender, number=3)

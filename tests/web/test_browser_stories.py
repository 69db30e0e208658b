"""Writing a story in a real browser: typing, moving, dragging, undoing, and what is not saved."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from clarion.content.models import Story
from clarion.content.stories import create_story, newest
from support import factory
from support.waiting import eventually
from web.browsing import Site, add_admin, enter, look, resize

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]
COUNT_REQUESTS = """
    window.asked = window.under_way = 0;
    document.addEventListener("htmx:confirm", () => asked += 1);
    document.addEventListener("htmx:beforeSend", () => under_way += 1);
    document.addEventListener("htmx:afterRequest", () => under_way -= 1);
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    factory.people(factory.channel("Shop"), 2)
    return enter(page, live_server.url, add_admin())


def three(site: Site) -> Page:
    """The page of a story with three texts."""
    blocks = [{"kind": "text", "text": words} for words in ("first", "second", "third")]
    story = create_story(name="Welcome", blocks=blocks, by=factory.BY)
    return site.open(f"/stories/{story.pk}/")


def order(page: Page) -> list[str]:
    texts = page.locator("[data-block]:not(.story-removed) textarea")
    return [texts.nth(i).input_value() for i in range(texts.count())]


def saved() -> list[str]:
    return [block["text"] for block in newest(Story.objects.get()).blocks]


def test_b2_a_story_is_written(site: Site, tmp_path: Path) -> None:
    page = site.open("/stories/")
    page.get_by_role("link", name="New story").click()
    page.get_by_label("Name", exact=True).fill("Welcome")
    page.locator("textarea").first.fill("Hello ")
    page.locator("[data-variable]", has_text="name").first.click()
    expect(page.locator("#talk")).to_contain_text("Hello Person 0")

    page.get_by_role("button", name="Image", exact=True).click()
    expect(page.locator("[data-block]")).to_have_count(2)
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator("#talk img")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(0)
    look(page)

    page.get_by_role("button", name="Save story").click()
    expect(page.get_by_text("“Welcome” is saved as version 1.")).to_be_visible()
    expect(page.locator("[data-kept]")).to_be_hidden()
    assert [block["kind"] for block in newest(Story.objects.get()).blocks] == ["text", "image"]
    assert newest(Story.objects.get()).blocks[0]["text"] == (
        'Hello {{ contact.name | default("friend") }}'
    )


def test_blocks_move_by_keyboard_and_keep_focus_and_words(site: Site) -> None:
    page = three(site)
    page.locator("textarea").nth(2).fill("third, edited")
    page.get_by_role("button", name="Move Text 3 up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("textarea").nth(1)).to_have_value("third, edited")
    expect(page.get_by_role("button", name="Move Text 2 up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("textarea").nth(0)).to_have_value("third, edited")

    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("is saved as version 2.")).to_be_visible()
    assert saved() == ["third, edited", "first", "second"]


def test_one_types_on_while_the_page_comes_anew(site: Site) -> None:
    page = three(site)
    field = page.locator("textarea").nth(2)
    field.fill("third, edited")
    expect(page.locator("#talk")).to_contain_text("third, edited")
    expect(field).to_be_focused()
    page.keyboard.type(" again")
    expect(page.locator("#talk")).to_contain_text("third, edited again")
    expect(field).to_be_focused()


def test_what_is_asked_for_meanwhile_waits_its_turn(site: Site) -> None:
    page = three(site)
    held: list[Route] = []
    page.route("**/stories/draft", lambda route: held.append(route))
    page.evaluate(COUNT_REQUESTS)

    def answer(number: int) -> None:
        eventually(lambda: page.evaluate("asked") and len(held) > number)
        held[number].continue_()

    page.get_by_role("button", name="Move Text 3 up").click()
    page.locator("textarea").nth(2).fill("third, edited")
    page.wait_for_function("() => asked === 2")
    answer(0)
    expect(page.get_by_role("button", name="Move Text 2 up")).to_be_focused()
    page.get_by_role("button", name="Move Text 2 up").click()
    assert page.evaluate("under_way") == 1

    answer(1)
    answer(2)
    expect(page.locator("textarea").nth(0)).to_have_value("third, edited")
    assert order(page) == ["third, edited", "first", "second"]


def test_blocks_are_dragged(site: Site) -> None:
    page = three(site)
    resize(page, 1280, 1400)
    grip = page.locator("[data-grip]").first.bounding_box()
    last = page.locator("[data-block]").nth(2).bounding_box()
    assert grip
    assert last
    with page.expect_response(re.compile("/stories/draft")):
        page.mouse.move(grip["x"] + 5, grip["y"] + 5)
        page.mouse.down()
        page.mouse.move(grip["x"] + 10, grip["y"] + 40, steps=5)
        page.mouse.move(last["x"] + 50, last["y"] + last["height"] - 10, steps=8)
        page.mouse.up()
    assert order(page) == ["second", "third", "first"]


def test_a_removed_block_comes_back_as_it_was(site: Site) -> None:
    page = three(site)
    page.locator("textarea").nth(1).fill("second, edited")
    page.get_by_role("button", name="Remove Text 2").click()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert order(page) == ["first", "third"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("textarea").nth(1)).to_be_focused()
    assert order(page) == ["first", "second, edited", "third"]


def test_what_was_not_saved_is_kept_in_the_browser(site: Site) -> None:
    page = three(site)
    here = page.url
    page.locator("textarea").first.fill("typed in vain?")
    page.get_by_role("button", name="Remove Text 2").click()
    # Only now is it kept: it is visible a moment earlier.
    expect(page.get_by_role("button", name="Undo")).to_be_focused()

    page.goto(site.url + "/contacts/")
    page.goto(here)
    expect(page.get_by_text("You have unsaved changes in this browser.")).to_be_visible()
    look(page)
    assert order(page) == ["first", "second", "third"]
    page.get_by_role("button", name="Restore changes").click()
    expect(page.locator("textarea").first).to_have_value("typed in vain?")
    expect(page.locator(".story-removed")).to_have_count(1)

    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("is saved as version 2.")).to_be_visible()
    assert saved() == ["typed in vain?", "third"]
    page.goto(here)
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_enter_in_a_field_saves_and_moves_nothing(site: Site) -> None:
    page = three(site)
    page.get_by_label("Name", exact=True).fill("Goodbye")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Goodbye” is saved as version 1.")).to_be_visible()
    assert order(page) == ["first", "second", "third"]


def test_a_preview_as_somebody_else(site: Site) -> None:
    page = three(site)
    page.locator("textarea").first.fill("Dear {{ contact.name }}")
    expect(page.locator("#talk")).to_contain_text("Dear Person 0")
    page.get_by_text("Preview for another contact").click()
    page.get_by_label("Name or user id", exact=True).fill("Person 1")
    page.get_by_role("button", name="Person 1").click()
    expect(page.locator("#talk")).to_contain_text("Dear Person 1")


def test_the_page_of_a_list_and_of_an_archived_one(site: Site) -> None:
    page = three(site)
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("“Welcome” has been archived.")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“Welcome” is back.")).to_be_visible()
    look(page)

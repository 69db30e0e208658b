"""``clarion stories``: stories listed, shown, exported, imported, archived and restored."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import AsJson, Limit
from clarion.cli.output import (
    print_cut,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from clarion.content.models import StoryVersion

app = App("Several messages saved under one name.")
Which = Annotated[str, typer.Argument(metavar="STORY", help="The story's name or number.")]


@app.command("list")
@uses_django
def list_stories(
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Only stories whose name contains this.")
    ] = "",
    archived: Annotated[
        bool, typer.Option("--archived", help="List archived stories instead.")
    ] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List stories, the last edited first."""
    from clarion.broadcasts.uses import story_uses
    from clarion.content.stories import story_list

    page = story_list(search, archived=archived, limit=limit)
    uses = story_uses(version.story_id for version in page.versions)
    listed = [_document(version, uses) for version in page.versions]
    if as_json:
        print_json(listed)
        return
    if not listed:
        print_line("No stories match." if search or archived else "There are no stories yet.")
        return
    names = ("id", "name", "blocks", "version", "broadcasts", "edited_at", "edited_by")
    rows = [[len(row[n]) if n == "blocks" else row[n] for n in names] for row in listed]
    print_table(["ID", "NAME", "BLOCKS", "VERSION", "BROADCASTS", "LAST EDITED", "BY"], rows)
    if page.next is not None:
        print_cut(limit)


def _document(version: "StoryVersion", uses: dict[int, int]) -> dict[str, Any]:
    return {
        "id": version.story_id,
        "name": version.story.name,
        "version": version.number,
        "blocks": [block["kind"] for block in version.blocks],
        "broadcasts": uses.get(version.story_id, 0),
        "edited_at": version.created_at,
        "edited_by": version.agent.name if version.agent else None,
        "archived_at": version.story.archived_at,
    }


@app.command()
@uses_django
def show(story: Which, as_json: AsJson = False) -> None:
    """Show a story and the content of each of its blocks."""
    from clarion.broadcasts.uses import story_uses
    from clarion.content.preview import preview_story
    from clarion.content.stories import find_story, newest

    version = newest(find_story(story))
    document = _document(version, story_uses([version.story_id]))
    shown = preview_story(version.blocks, None)
    if as_json:
        messages = [part.message.shown() if part.message else None for part in shown]
        print_json({**document, "messages": messages})
        return
    kinds = document.pop("blocks")
    print_facts((name.replace("_", " "), value) for name, value in document.items())
    for kind, part in zip(kinds, shown, strict=True):
        print_line(f"\n{part.number}. {kind}")
        words = part.message.shown() if part.message else part.webhook or part.problem
        print_line("\n".join(f"   {line}" for line in words.splitlines()))


@app.command("export", examples=["clarion stories export welcome --to welcome.json"])
@uses_django
def export_file(
    story: Which,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write it to this file instead of printing it."),
    ] = None,
) -> None:
    """Print a story as a JSON document that `clarion stories import` reads.

    Uploads are included. Secrets of webhooks are not.
    """
    from clarion.content.portable import export_story
    from clarion.content.stories import find_story

    document = export_story(find_story(story))
    if to is None:
        print_json(document)
    else:
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Failed(f"{to} can't be written: {error.strerror}.") from error
    if any(block["kind"] == "webhook" for block in document["blocks"]):
        print_note("Secrets of webhooks are not included. Enter them again after the import.")


@app.command("import", examples=["clarion stories import welcome.json --update"])
@uses_django
def import_file(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A document that `export` has written; - for standard input."
        ),
    ],
    update: Annotated[
        bool,
        typer.Option("--update", help="Save it as a new version of the story with this name."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a story from a JSON document."""
    from clarion.broadcasts.uses import story_uses
    from clarion.content.portable import import_story

    version = import_story(_read(file), update=update, by=acting())
    if as_json:
        print_json(_document(version, story_uses([version.story_id])))
        return
    print_line(f"“{version.story.name}” is story {version.story_id}, version {version.number}.")


def _read(file: str) -> Any:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise Failed(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Failed(f"{file} is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise Failed(f"{file} is not JSON: line {error.lineno}, {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise Failed(f"{file} can't be read as JSON.") from error


@app.command()
@uses_django
def delete(story: Which) -> None:
    """Archive a story. Broadcasts that use it continue, and it can be restored."""
    from clarion.content.stories import archive_story, find_story

    archived = find_story(story)
    archive_story(archived, by=acting())
    print_line(
        f"“{archived.name}” is archived. Restore it with: clarion stories restore {archived.pk}"
    )


@app.command()
@uses_django
def restore(story: Which) -> None:
    """Restore an archived story."""
    from clarion.content.stories import find_story, restore_story

    restored = find_story(story, archived=True)
    restore_story(restored, by=acting())
    print_line(f"“{restored.name}” is restored.")

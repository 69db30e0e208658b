"""``clarion stories``: stories listed, shown, written out, read in, archived and restored."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.output import print_facts, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.content.models import StoryVersion

app = typer.Typer(help="Stories: several messages under one name.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(metavar="STORY", help="The story's name or number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback()
def stories() -> None:
    """Stories: several messages under one name."""


@app.command("list")
@uses_django
def list_stories(
    search: Annotated[str, typer.Option(metavar="TEXT", help="Whose name contains this.")] = "",
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List stories, last edited first."""
    from clarion.broadcasts.uses import story_uses
    from clarion.content.stories import story_list

    page = story_list(search, archived=archived, limit=limit)
    uses = story_uses(version.story_id for version in page.versions)
    listed = [_document(version, uses) for version in page.versions]
    if as_json:
        print_json(listed)
        return
    names = ("id", "name", "blocks", "version", "broadcasts", "edited_at", "edited_by")
    rows = [[len(row[n]) if n == "blocks" else row[n] for n in names] for row in listed]
    print_table(["№", "Name", "Blocks", "Version", "Broadcasts", "Last edited", "By"], rows)
    if page.next is not None:
        print_note(f"There are more: these are the first {limit}. Raise --limit to see them.")


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
    """Show a story: its facts, and what each block says."""
    from clarion.broadcasts.uses import story_uses
    from clarion.content.preview import preview_story
    from clarion.content.stories import find_story, newest

    version = newest(find_story(story))
    document = _document(version, story_uses([version.story_id]))
    shown = preview_story(version.blocks, None)
    if as_json:
        messages = [one.message.shown() if one.message else None for one in shown]
        print_json({**document, "messages": messages})
        return
    kinds = document.pop("blocks")
    print_facts((name.replace("_", " ").capitalize(), value) for name, value in document.items())
    for kind, one in zip(kinds, shown, strict=True):
        print_line(f"\n{one.number}. {kind}")
        words = one.message.shown() if one.message else one.webhook or one.problem
        print_line("\n".join(f"   {line}" for line in words.splitlines()))


@app.command("export")
@uses_django
def export_file(
    story: Which,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE.json", help="Write it there instead of printing it."),
    ] = None,
) -> None:
    """Print a story as a document for `clarion stories import`, uploads included."""
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
        print_note("The secrets of webhooks are not in it. Type them in again where it is read in.")


@app.command("import")
@uses_django
def import_file(
    file: Annotated[
        str, typer.Argument(metavar="FILE.json", help="As `export` writes it; - reads from stdin.")
    ],
    update: Annotated[
        bool,
        typer.Option("--update", help="Save as a new version of the story that has this name."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a story from a document."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts.uses import story_uses
    from clarion.content.portable import import_story

    version = import_story(_read(file), update=update, by=COMMAND_LINE)
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
        raise Failed(f"{file} is no UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise Failed(f"{file} is no JSON: line {error.lineno}, {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise Failed(f"{file} is no JSON that can be read.") from error


@app.command()
@uses_django
def delete(story: Which) -> None:
    """Archive a story. Broadcasts that use it go on; `restore` brings it back."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.content.stories import archive_story, find_story

    found = find_story(story)
    archive_story(found, by=COMMAND_LINE)
    print_line(f"“{found.name}” is archived. `clarion stories restore {found.pk}` brings it back.")


@app.command()
@uses_django
def restore(story: Which) -> None:
    """Bring an archived story back."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.content.stories import find_story, restore_story

    found = find_story(story, archived=True)
    restore_story(found, by=COMMAND_LINE)
    print_line(f"“{found.name}” is back.")

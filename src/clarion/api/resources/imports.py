"""Imports of contacts from files: start, follow, undo."""

from typing import Annotated, Literal

from ninja import File, Query, UploadedFile
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import MULTIPART, ApiRequest, may
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import chosen, get
from clarion.api.operations import operation
from clarion.api.problems import Problem
from clarion.api.types import Id, Moment, Output, Page
from clarion.channels.models import Channel
from clarion.contacts import uploads
from clarion.contacts.import_look import first_rejects
from clarion.contacts.import_undo import first_kept, may_be_undone, request_undo
from clarion.contacts.imports import read_choices, request_import
from clarion.contacts.models import Import
from clarion.contacts.rejects import Reject

AREA = "Imports"
_READ, _WRITE = "contacts:read", "contacts:write"
_CONSENTS = "consents:write"
_MOST_LINES = 1_000  # of those that were left out
_Mode = Literal["both", "add", "update"]
assert set(_Mode.__args__) == set(Import.Mode.values)  # type: ignore[attr-defined]


class LineOut(Output):
    """A line that was not taken, or a contact that could not be restored."""

    line: int = Field(description="Of the file; of an undone import the contact's id")
    user_id: str
    reason: str


class UndoOut(Output):
    """How far undoing is."""

    state: Literal["waiting", "done"]
    removed: int = Field(description="Contacts that the import had added")
    restored: int
    kept: int = Field(description="Contacts of which something has changed since")
    first_kept: list[LineOut]


class ImportOut(Output):
    """An import: created + updated + unchanged + skipped + repeated + rejected = lines."""

    id: Id
    filename: str
    channel_id: Id
    mode: _Mode
    keeps: bool = Field(description="Whether stored values count more than those of the file")
    dry_run: bool
    tags: list[str]
    state: Literal["waiting", "running", "done", "failed"]
    error: str
    bytes_total: int
    bytes_done: int
    lines: int
    created: int
    updated: int
    unchanged: int
    skipped: int = Field(description="Contacts that the mode leaves out")
    repeated: int = Field(description="Lines whose user id stood in an earlier one")
    rejected: int
    first_rejected: list[LineOut] = Field(description=f"At most {_MOST_LINES:,}, when it has ended")
    by: str
    started_at: Moment
    finished_at: Moment | None
    can_be_undone: bool
    undo: UndoOut | None


@operation(AREA, "GET", "/imports", Page[ImportOut], Rules(_READ, paged=True))
def list_imports(
    request: ApiRequest, limit: Limit = 50, cursor: CursorText = ""
) -> Page[ImportOut]:
    """List imports of contacts, newest first; the lines they left out are with each of them"""
    return page_of(Import.objects.all(), limit, cursor, lambda row: shown_import(row, lines=0))


@operation(AREA, "GET", "/imports/{import_id}", ImportOut, Rules(_READ))
def get_import(request: ApiRequest, import_id: Id) -> ImportOut:
    """Get an import: how far it is, its result, and the lines that it left out"""
    return shown_import(get(Import.objects.all(), import_id, "import"), lines=_MOST_LINES)


@operation(
    AREA, "POST", "/imports", ImportOut, Rules(_WRITE, repeatable=True, body=MULTIPART), status=202
)  # fmt: skip
def start_import(
    request: ApiRequest,
    file: File[UploadedFile],
    channel_id: Annotated[Id, Query(..., description="Whose user ids the file has")],
    id_column: Annotated[str, Query("", max_length=200, description="The title of their column")],
    column: Annotated[
        list[str],
        Query(
            default_factory=list,
            max_length=200,
            description="TITLE=TARGET, as `clarion contacts import --map`; can be repeated",
        ),
    ],
    tag: Annotated[list[str], Query(default_factory=list, max_length=100)],
    mode: _Mode = "both",
    keep: Annotated[
        bool, Query(False, description="Stored values stay where there are any")
    ] = False,
    has_written: Annotated[bool, Query(False, description="All have written to us")] = False,
    dry_run: bool = False,
) -> Created:
    """Import contacts from a CSV file; a worker does it

    Known user ids are updated; an empty cell leaves what is stored. `dry_run` only counts.
    """
    channel = chosen(Channel.objects.all(), channel_id, "channel_id")
    assert channel is not None
    token = uploads.keep(file.chunks())
    path = uploads.path(token)
    choices = read_choices(path, channel, id_column or None, column, mode, keep=keep)
    if any(each.startswith("consent:") for each in choices.mapping) and not may(request, _CONSENTS):
        text = f"A column gives consents. That needs a token with the scope {_CONSENTS}."
        raise Problem("insufficient_scope", text)
    row = request_import(
        token,
        filename=file.name or "file",
        channel=channel,
        id_column=id_column or None,
        tags=tag,
        have_written=has_written,
        choices=choices,
        dry_run=dry_run,
        by=request.by,
    )
    return Created(shown_import(row, lines=0), f"/api/v1/imports/{row.pk}")


@operation(
    AREA, "POST", "/imports/{import_id}/undo", ImportOut, Rules(_WRITE, repeatable=True), status=202
)
def undo_import(request: ApiRequest, import_id: Id) -> ImportOut:
    """Undo an import: delete what it added and nothing happened to, restore what it changed

    For 30 days, once. A worker does it; what has changed since stays.
    """
    row = get(Import.objects.all(), import_id, "import")
    request_undo(row, by=request.by)
    row.refresh_from_db()
    return shown_import(row, lines=0)


def shown_import(row: Import, *, lines: int) -> ImportOut:
    """An import, with at most so many of the lines that it left out."""
    return ImportOut(
        id=row.pk,
        filename=row.filename,
        channel_id=row.channel_id,
        mode=row.mode,
        keeps=row.wins == Import.Wins.STORED,
        dry_run=row.dry_run,
        tags=row.tags,
        state=row.state,
        error=row.error,
        bytes_total=row.bytes_total,
        bytes_done=row.bytes_done,
        lines=row.lines,
        created=row.created,
        updated=row.updated,
        unchanged=row.unchanged,
        skipped=row.skipped,
        repeated=row.repeated,
        rejected=row.rejected,
        first_rejected=[_line(each) for each in first_rejects(row, lines)] if lines else [],
        by=row.agent_name,
        started_at=row.started_at,
        finished_at=row.finished_at,
        can_be_undone=may_be_undone(row),
        undo=_undo(row, lines) if row.undo_state else None,
    )


def _undo(row: Import, lines: int) -> UndoOut:
    kept = first_kept(row, lines) if lines else []
    return UndoOut(
        state=row.undo_state,
        removed=row.undo_removed,
        restored=row.undo_restored,
        kept=row.undo_kept,
        first_kept=[LineOut(line=key, user_id="", reason=reason) for key, reason in kept],
    )


def _line(reject: Reject) -> LineOut:
    return LineOut(line=reject.line, user_id=reject.value, reason=reject.reason)

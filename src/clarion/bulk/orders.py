"""Bulk actions that begin somewhere else than in the list of contacts."""

from typing import Final

from django.db import transaction

from clarion.accounts.models import Agent
from clarion.bulk import actions
from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.contacts import tag_changes, uploads
from clarion.contacts.models import Tag
from clarion.contacts.suppressions.entries import SuppressionError
from clarion.contacts.suppressions.files import EntryFile
from clarion.kit.csvfile import CsvError

AT_ONCE: Final = 10_000  # contacts for whom nobody has to wait for a worker
Kind = BulkAction.Kind


def merge_tags(tag: Tag, into: Tag, *, by: Agent | str) -> BulkAction | None:
    """As ``tag_changes.merge``, at once for a tag of few contacts, else by a worker.

    Returns the action of the worker, None when it is done. Raises TagError.
    """
    if tag.taggings.count() <= AT_ONCE:
        tag_changes.merge(tag, into, by=by)
        return None
    options = {"tag": tag.pk, "into": into.pk, "name": tag.name, "into_name": into.name}
    return actions.start(Kind.MERGE_TAG, Selection(tag_id=tag.pk), options, by=by)


def delete_tag(tag: Tag, *, by: Agent | str) -> BulkAction | None:
    """As ``tag_changes.delete``; a worker takes a tag from many contacts after it is deleted.

    Returns the action of the worker, None when all is done. Raises TagError.
    """
    if tag.taggings.count() <= AT_ONCE:
        tag_changes.delete(tag, by=by)
        return None
    with transaction.atomic():
        tag_changes.delete_alone(tag, by=by)
        options = {"tag": tag.pk, "name": tag.name}
        return actions.start(Kind.DELETE_TAG, Selection(tag_id=tag.pk), options, by=by)


def import_suppressions(
    token: str, *, filename: str, kind: str, reason: str, by: Agent | str
) -> BulkAction:
    """Have a worker put the entries of an upload on the suppression list.

    ``kind`` and ``reason`` are those of lines without one. Raises SuppressionError for what is
    wrong with the whole file.
    """
    try:
        if not uploads.exists(token):
            raise SuppressionError("The upload is no longer available. Choose the file again.")
        lines = EntryFile(uploads.path(token), kind, reason).count_lines()
        options = {"kind": kind, "reason": reason, "file": filename[-255:]}
        with transaction.atomic():
            return actions.create(
                by, [], kind=Kind.SUPPRESS, options=options, upload=token, last_id=0, total=lines
            )
    except (CsvError, BulkError) as error:
        raise SuppressionError(str(error)) from None

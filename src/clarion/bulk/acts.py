"""What bulk actions do in each of their steps; one class for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from django.utils.translation import gettext as _

from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.consents import grants
from clarion.consents.manage import ConsentError
from clarion.consents.models import Change, Consent
from clarion.consents.proof import Proof
from clarion.contacts import tag_changes, tags, uploads
from clarion.contacts.deleting import delete_contacts
from clarion.contacts.import_run import rejects_folder
from clarion.contacts.models import Tag
from clarion.contacts.rejects import Rejects
from clarion.contacts.suppressions import matching
from clarion.contacts.suppressions.files import EntryFile, Imported
from clarion.kit import clock, db
from clarion.kit.batches import batches

Kind = BulkAction.Kind
LONGEST_PROOF: Final = 300  # characters


@dataclass(slots=True)
class Step:
    """What one step came to and did: changed + unchanged + refused = done."""

    cursor: int
    done: int
    changed: int
    refused: int = 0
    refusals: dict[str, list[int]] = field(default_factory=dict)  # the contacts, by the reason
    rejects_size: int = 0


class Act(Protocol):
    """What an action does, with its options."""

    def step(self, action: BulkAction) -> Step | None:
        """Do the next step in the caller's transaction; None when nothing is left."""

    def committed(self) -> None:
        """What follows when that transaction is committed."""

    def end(self) -> None:
        """What is done once after the last step, in the transaction that ends the action."""

    def close(self) -> None:
        """Close what is open, whatever has happened."""


class _OfContacts:
    """Something that is done to contacts."""

    size = 2_000  # contacts of one step

    def __init__(self, action: BulkAction) -> None:
        self._action = action

    def step(self, action: BulkAction) -> Step | None:
        selection = Selection.stored(action.contacts)
        ids = selection.after(action.cursor, action.last_id, self.size)
        if not ids:
            return None
        changed, refusals = self.do(ids)
        refused = sum(map(len, refusals.values()))
        return Step(ids[-1], len(ids), changed, refused, refusals)

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        """Do it to these contacts; how many are changed, and who is refused for which reason."""
        raise NotImplementedError

    def committed(self) -> None:
        """Nothing follows."""

    def end(self) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        """Nothing is open."""


class _Tags(_OfContacts):
    """Tags are looked up in each step: they may be renamed or merged meanwhile."""

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        options = BulkAction.objects.values_list("options", flat=True).get(pk=self._action.pk)
        if self._action.kind == Kind.TAG:
            tag_ids = list(tags.ensure_tags(options["tags"]).values())
            pairs = tags.attach(tag_ids, contact_ids, clock.now_us())
            return len({contact for _tag, contact in pairs}), {}
        ids = list(Tag.objects.filter(name__in=options["tags"]).values_list("pk", flat=True))
        return len(set(tags.detach(ids, contact_ids))), {}


class _Consents(_OfContacts):
    def __init__(self, action: BulkAction) -> None:
        super().__init__(action)
        consent = Consent.objects.filter(pk=action.options["consent"]).first()
        if consent is None:
            raise BulkError(_("The consent has been deleted."))
        self._consent = consent
        self._gives = action.kind == Kind.GIVE

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        """The moment is that of the request: who changes it after that keeps what they chose."""
        change = grants.give_some if self._gives else grants.withdraw_some
        changed = change(
            self._consent,
            contact_ids,
            how=self._action.options["how"],
            by=self._action.by,
            at=self._action.created_at,
            proof=Proof(detail=self._action.options["proof"]),
        )
        return changed, self._refused(contact_ids)

    def _refused(self, contact_ids: Sequence[int]) -> dict[str, list[int]]:
        refused = {}
        if newer := self._chose_otherwise(contact_ids):
            refused[_("The contact changed this consent after the action was started.")] = newer
        asks = self._gives and grants.asks(self._consent, self._action.options["how"])
        if asks and (out_of_reach := self._without_address(contact_ids)):
            channel = self._consent.confirm_channel
            reason = _("The contact has no address on “%s”, which asks for the confirmation.")
            refused[reason % channel] = [key for key in out_of_reach if key not in newer]
        return refused

    def _chose_otherwise(self, contact_ids: Sequence[int]) -> list[int]:
        rows = db.fetch(
            "SELECT g.contact_id FROM consents_grant g WHERE g.consent_id = %s "
            f"AND g.contact_id {db.in_list()} AND g.given <> %s AND g.at > %s "
            "ORDER BY g.contact_id",
            [
                self._consent.pk,
                db.json_param([key] for key in contact_ids),
                self._gives,
                clock.to_us(self._action.created_at),
            ],
        )
        return [row[0] for row in rows]

    def _without_address(self, contact_ids: Sequence[int]) -> list[int]:
        rows = db.fetch(
            f"SELECT v.id FROM {db.json_table([('id', 'int')])} WHERE NOT EXISTS ("
            "SELECT 1 FROM contacts_address a WHERE a.contact_id = v.id AND a.channel_id = %s "
            "AND a.alias_of_id IS NULL) AND NOT EXISTS (SELECT 1 FROM consents_grant g "
            "WHERE g.consent_id = %s AND g.contact_id = v.id AND g.given) ORDER BY v.id",
            [
                db.json_param([key] for key in contact_ids),
                self._consent.confirm_channel_id,
                self._consent.pk,
            ],
        )
        return [row[0] for row in rows]


class _Deletion(_OfContacts):
    size = 200  # a contact takes some milliseconds; nobody else writes meanwhile on SQLite

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        suppress = self._action.options["suppress"]
        return delete_contacts(contact_ids, suppress=suppress, by=self._action.by).contacts, {}

    def committed(self) -> None:
        matching.apply_pending()  # to who has the same user ids on another channel


class _TagMerge(_OfContacts):
    def __init__(self, action: BulkAction) -> None:
        super().__init__(action)
        options = action.options
        both = Tag.objects.in_bulk([options["tag"], options["into"]])
        if len(both) < 2:
            raise BulkError(_("One of the two tags has been deleted."))
        self._tag, self._into = both[options["tag"]], both[options["into"]]

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        return tag_changes.merge_some(self._tag, self._into, contact_ids), {}

    def end(self) -> None:
        """Merge what contacts have got of it meanwhile, and have what uses it use the other one."""
        tag_changes.merge(self._tag, self._into, by=self._action.by)


class _TagDeletion(_OfContacts):
    """The tag itself is deleted already: nobody sees what is left of it."""

    def do(self, contact_ids: Sequence[int]) -> tuple[int, dict[str, list[int]]]:
        return len(tags.detach([self._action.options["tag"]], contact_ids)), {}


class _Suppressions:
    """An upload for the suppression list, read line by line."""

    size = 2_000  # lines of one step

    def __init__(self, action: BulkAction) -> None:
        options = action.options
        self._by = action.by
        self._file = EntryFile(uploads.path(action.upload), options["kind"], options["reason"])
        rows = islice(self._file.csv.rows(), action.cursor, None)
        self._batches = batches(rows, self.size)
        self._rejects = Rejects(rejects_path(action), kept=action.rejects_size)

    def step(self, action: BulkAction) -> Step | None:
        rows = next(self._batches, None)
        if rows is None:
            return None
        outcome, before = Imported(), self._rejects.count
        self._file.import_rows(rows, outcome, self._rejects, self._by)
        return Step(
            action.cursor + len(rows),
            len(rows),
            outcome.added,
            self._rejects.count - before,
            rejects_size=self._rejects.flush(),
        )

    def committed(self) -> None:
        matching.apply_pending()

    def end(self) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        self._rejects.close()


def rejects_path(action: BulkAction) -> Path:
    """The file of an action's rejected lines."""
    return rejects_folder() / f"bulk-{action.pk}.csv"


_ACTS: Final[Mapping[str, Callable[[BulkAction], Act]]] = {
    Kind.TAG: _Tags,
    Kind.UNTAG: _Tags,
    Kind.GIVE: _Consents,
    Kind.WITHDRAW: _Consents,
    Kind.DELETE: _Deletion,
    Kind.MERGE_TAG: _TagMerge,
    Kind.DELETE_TAG: _TagDeletion,
    Kind.SUPPRESS: _Suppressions,
}


def act_of(action: BulkAction) -> Act:
    """What an action does. Raises BulkError, or what reading a file raises, where it can't."""
    return _ACTS[action.kind](action)


def tag_options(names: Sequence[str]) -> dict[str, Any]:
    """The options of adding or removing these tags. Raises BulkError."""
    try:
        wanted = tags.check_names(names)
    except tags.TagError as error:
        raise BulkError(str(error)) from None
    if not wanted:
        raise BulkError(_("Give at least one tag."))
    return {"tags": wanted}


def consent_options(
    consent: Consent, *, how: str = Change.How.AGENT, proof: str = ""
) -> dict[str, Any]:
    """The options of giving or withdrawing a consent; ``proof``: what proves that they did it.

    Raises BulkError.
    """
    detail = " ".join(proof.split())
    if len(detail) > LONGEST_PROOF:
        raise BulkError(_("Describe the proof with at most %d characters.") % LONGEST_PROOF)
    try:
        grants.check_way(how)
    except ConsentError as error:
        raise BulkError(str(error)) from None
    return {"consent": consent.pk, "name": consent.name, "how": str(how), "proof": detail}


def delete_options(*, suppress: bool) -> dict[str, Any]:
    """The options of deleting contacts; ``suppress`` as of ``delete_contact``."""
    return {"suppress": suppress}

"""What bulk actions do to some contacts, in the caller's transaction; one class for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from django.utils.translation import gettext as _

from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.consents import grants
from clarion.consents.manage import ConsentError
from clarion.consents.models import Change, Consent
from clarion.consents.proof import Proof
from clarion.contacts import tags
from clarion.contacts.deleting import delete_contacts
from clarion.contacts.models import Tag
from clarion.contacts.suppressions import matching
from clarion.kit import clock, db

Kind = BulkAction.Kind
LONGEST_PROOF: Final = 300  # characters


@dataclass(slots=True)
class Outcome:
    """How many contacts were changed, and which were refused for which reason."""

    changed: int
    refused: dict[str, list[int]] = field(default_factory=dict)


class Act(Protocol):
    """What is done to each contact, with the options of one action."""

    size: int  # contacts of one step

    def do(self, contact_ids: Sequence[int]) -> Outcome:
        """Do it to these contacts, in the caller's transaction."""

    def committed(self) -> None:
        """What follows when that transaction is committed."""


class _Tags:
    size = 5_000

    def __init__(self, action: BulkAction) -> None:
        self._names = list(action.options["tags"])
        self._adds = action.kind == Kind.TAG
        self._ids = list(tags.ensure_tags(self._names).values()) if self._adds else []

    def do(self, contact_ids: Sequence[int]) -> Outcome:
        if self._adds:
            pairs = tags.attach(self._ids, contact_ids, clock.now_us())
            return Outcome(len({contact for _tag, contact in pairs}))
        ids = list(Tag.objects.filter(name__in=self._names).values_list("pk", flat=True))
        return Outcome(len(set(tags.detach(ids, contact_ids))))

    def committed(self) -> None:
        """Nothing follows."""


class _Consents:
    size = 5_000

    def __init__(self, action: BulkAction) -> None:
        self._action = action
        consent = Consent.objects.filter(pk=action.options["consent"]).first()
        if consent is None:
            raise BulkError(_("The consent has been deleted."))
        self._consent = consent
        self._gives = action.kind == Kind.GIVE

    def do(self, contact_ids: Sequence[int]) -> Outcome:
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
        return Outcome(changed, self._refused(contact_ids))

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

    def committed(self) -> None:
        """Nothing follows."""


class _Deletion:
    size = 200  # a contact takes some milliseconds; nobody else writes meanwhile on SQLite

    def __init__(self, action: BulkAction) -> None:
        self._action = action

    def do(self, contact_ids: Sequence[int]) -> Outcome:
        suppress = self._action.options["suppress"]
        deletion = delete_contacts(contact_ids, suppress=suppress, by=self._action.by)
        return Outcome(deletion.contacts)

    def committed(self) -> None:
        matching.apply_pending()  # to who has the same user ids on another channel


_ACTS: Final[Mapping[str, Callable[[BulkAction], Act]]] = {
    Kind.TAG: _Tags,
    Kind.UNTAG: _Tags,
    Kind.GIVE: _Consents,
    Kind.WITHDRAW: _Consents,
    Kind.DELETE: _Deletion,
}


def act_of(action: BulkAction) -> Act:
    """What an action does. Raises BulkError where that can't be done any more."""
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

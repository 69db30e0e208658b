"""Adding entries to the suppression list, and removing them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.contract import BadIdError
from clarion.channels.registry import kind_class, kinds_sharing_ids, read_id_part
from clarion.contacts import addresses
from clarion.contacts.models import Address, Suppression
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions.matching import apply_pending, release_removed
from clarion.kit import clock, db
from clarion.kit.text import clean

LONGEST = 320  # characters of an address
LONGEST_NOTE = 500  # characters
Reason = Suppression.Reason
Source = Suppression.Source
Match = Suppression.Match


class SuppressionError(ValueError):
    """An entry can't be added or removed like this; says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be on the list: which user ids of a channel kind, and why."""

    kind: str
    match: str
    value: str
    reason: str
    note: str = ""

    @classmethod
    def read(cls, pattern: str, kind: str, reason: str, note: str = "") -> "Entry":
        """An entry as people write it: an address, or a pattern with “*” before or behind.

        Raises SuppressionError, and UnknownKind for a channel kind that there is not.
        """
        if reason not in Reason.values:
            raise SuppressionError(
                f"There is no reason “{reason}”. Use one of: {', '.join(Reason.values)}."
            )
        note = " ".join(note.split())
        if clean(note, LONGEST_NOTE) != note:
            raise SuppressionError(f"A note has at most {LONGEST_NOTE} characters. Shorten it.")
        match, value = _parsed(pattern.strip(), kind)
        return cls(kind, match, value, reason, note)


def _parsed(pattern: str, kind: str) -> tuple[Match, str]:
    kind_class(kind)
    if "*" not in pattern:
        try:
            return Match.ADDRESS, clean(kind_class(kind).user_id(pattern), LONGEST)
        except BadIdError as error:
            raise SuppressionError(f"“{pattern[:100]}” can't be used: {error}.") from None
    begins, ends = pattern.endswith("*"), pattern.startswith("*")
    part = pattern.strip("*")
    if begins == ends or "*" in part:
        raise SuppressionError(
            "Write one “*”, at the beginning or at the end: *@example.com or +4479*."
        )
    part = read_id_part(kind, part)
    if not any(map(str.isalnum, part)) or clean(part, LONGEST) != part:
        raise SuppressionError(
            f"Write 1 to {LONGEST} characters beside the “*”, including a letter or digit."
        )
    return (Match.BEGINS if begins else Match.ENDS), part


def add(
    pattern: str, *, kind: str, reason: str, note: str = "", by: Agent | str
) -> tuple[Suppression, int]:
    """Put an address or a pattern on the list; return its entry and how many addresses it stops.

    It takes effect at once, also on what is queued. One that is there already gets the new reason
    and note. Raises SuppressionError and UnknownKind.
    """
    entry = Entry.read(pattern, kind, reason, note)
    with transaction.atomic():
        store([entry], Source.AGENT, by)
        row = Suppression.objects.get(kind=kind, match=entry.match, value=entry.value)
        audit.note("suppression.add", _subject(row), by, kind=kind, pattern=row.pattern,
                   reason=row.reason)  # fmt: skip
    apply_pending()
    return row, row.addresses.count()


_IS_NEW = (
    "contacts_suppression.removed_at IS NOT NULL OR contacts_suppression.reason <> excluded.reason"
)
_OWNER = ", ".join(
    f"{column} = CASE WHEN {_IS_NEW} THEN excluded.{column} ELSE contacts_suppression.{column} END"
    for column in ("source", "agent_id")
)


def store(entries: Sequence[Entry], source: str, by: Agent | str) -> int:
    """Write entries, all different, in the caller's transaction; return how many are new.

    They take effect when it commits; call ``apply_pending`` after that. An entry that is there with
    another reason is theirs from now on, so it stays when a provider's report is removed.
    """
    before = db.fetch("SELECT COALESCE(max(id), 0) FROM contacts_suppression")[0][0]
    columns = [(name, "text") for name in ("kind", "match", "value", "reason", "note")]
    agent = by.pk if isinstance(by, Agent) else None
    rows = db.fetch(
        "INSERT INTO contacts_suppression "
        "(kind, match, value, reason, note, source, agent_id, created_at) "
        "SELECT v.kind, v.match, v.value, v.reason, v.note, %s, "
        f"CAST(%s AS bigint), CAST(%s AS bigint) FROM {db.json_table(columns)} "
        "WHERE true ORDER BY v.value, v.kind, v.match "
        "ON CONFLICT (value, kind, match) DO UPDATE "
        f"SET {_OWNER}, reason = excluded.reason, note = excluded.note, removed_at = NULL, "
        "applied_at = CASE WHEN contacts_suppression.removed_at IS NULL "
        "THEN contacts_suppression.applied_at END RETURNING id",
        [
            str(source),
            agent,
            clock.now_us(),
            db.json_param((e.kind, e.match, e.value, e.reason, e.note) for e in entries),
        ],
    )
    return sum(row[0] > before for row in rows)


def find(pattern: str, kind: str) -> Suppression:
    """The entry that is written like this. Raises SuppressionError and UnknownKind."""
    match, value = _parsed(pattern.strip(), kind)
    row = Suppression.objects.filter(kind=kind, match=match, value=value, removed_at=None).first()
    if row is None:
        raise SuppressionError(
            f"There is no entry “{pattern.strip()}” for {kind} on the suppression list."
        )
    return row


def remove(entries: Iterable[Suppression], *, reachable: bool = False, by: Agent | str) -> int:
    """Take entries off the list; return how many were asked for and there. Entry points ask first.

    What a provider reported is listed for all kinds of channels that have the same user ids, and
    removed from all of them. ``reachable``: addresses that became unreachable by the hard bounces
    that are removed are active again.

    Broadcasts that are claimed from now on can be sent to their addresses again, unless another
    entry fits them or they opted out themselves. What was skipped stays skipped.
    """
    removed = 0
    bounced: list[int] = []
    with transaction.atomic():
        for entry in entries:
            if reachable:
                bounced += bounced_with(entry).values_list("pk", flat=True)
            is_new = Suppression.objects.filter(pk=entry.pk, removed_at=None).update(
                removed_at=clock.now()
            )
            if is_new:
                removed += 1
                if entry.source == Source.PROVIDER:
                    _same_report(entry).update(removed_at=clock.now())
                audit.note("suppression.remove", _subject(entry), by, kind=entry.kind,
                           pattern=entry.pattern, reason=entry.reason)  # fmt: skip
        addresses.try_again(bounced, by=by)
    while release_removed():
        pass
    return removed


def removed_with(entry: Suppression) -> QuerySet[Suppression]:
    """The entries that are removed when this one is, which is one of them."""
    if entry.source == Source.PROVIDER:
        return _same_report(entry)
    return Suppression.objects.filter(pk=entry.pk, removed_at=None)


def bounced_with(entry: Suppression) -> QuerySet[Address]:
    """The addresses that are unreachable by the hard bounce that this entry is about."""
    if entry.source != Source.PROVIDER or entry.reason != Reason.BOUNCED:
        return Address.objects.none()
    return Address.objects.filter(
        value=entry.value,
        channel__kind__in=kinds_sharing_ids(entry.kind),
        state=AddressState.UNREACHABLE,
    )


def _same_report(entry: Suppression) -> QuerySet[Suppression]:
    """What a provider reported about the same address, for other kinds of channels."""
    return Suppression.objects.filter(
        kind__in=kinds_sharing_ids(entry.kind),
        match=entry.match,
        value=entry.value,
        source=Source.PROVIDER,
        removed_at=None,
    )


def _subject(entry: Suppression) -> str:
    return f"suppression {entry.pk}"

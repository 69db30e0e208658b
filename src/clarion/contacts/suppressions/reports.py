"""What providers report about addresses, hard bounces and complaints, on the suppression list.

A report is noted first, with all that it changes of the address, and becomes entries of the list
in a transaction of its own: whoever adds entries must hold nothing that others wait for
(``matching``). What a crash leaves between the two is done by the next ``list_pending``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from clarion.channels.contract import AddressReport as Reported
from clarion.channels.models import Channel
from clarion.channels.registry import kinds_sharing_ids
from clarion.contacts import addresses
from clarion.contacts.identities import LONGEST, find
from clarion.contacts.models import Address, AddressReport, Suppression
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions.matching import apply_pending, wait_to_add
from clarion.kit import clock, db
from clarion.kit.text import clean

Cause = AddressReport.Cause
AT_ONCE: Final = 1_000  # reports of one transaction
_STATES: Final = {
    Cause.HARD_BOUNCE: AddressState.UNREACHABLE,
    Cause.COMPLAINT: AddressState.OPTED_OUT,
}
_REASONS: Final = {
    Cause.HARD_BOUNCE: Suppression.Reason.BOUNCED,
    Cause.COMPLAINT: Suppression.Reason.COMPLAINED,
}


def note(channel: Channel, report: Reported) -> tuple[bool, Address | None]:
    """Note a report and mark the address; return whether it is new, and the address if known.

    In the caller's transaction. Call ``list_pending`` after its commit.
    """
    value = clean(report.address, LONGEST)
    _, is_new = AddressReport.objects.get_or_create(
        channel=channel,
        value=value,
        cause=report.cause,
        at=report.at,
        defaults={
            "detail": clean(report.detail, 300),
            "message_id": clean(report.message_id, 200),
        },
    )
    address = find(channel, value)
    if is_new and address is not None:
        addresses.mark(address.pk, _STATES[Cause(report.cause)], report.at)
    return is_new, address


def list_pending() -> int:
    """Put what was reported on the suppression list; return how many reports that were.

    At any time, by any number of processes. An address is listed for all kinds of channels that
    have the same user ids. An entry that an agent has added stays as it is; a complaint is a
    stronger reason than a bounce, in whatever order they come.
    """
    count = 0
    while reports := _some_pending():
        count += len(reports)
    if count:
        apply_pending()
    return count


def _some_pending() -> Sequence[AddressReport]:
    if not AddressReport.objects.filter(is_listed=False).exists():  # nearly always
        return []
    with db.write():
        wait_to_add()
        reports = list(
            AddressReport.objects.select_for_update(of=("self",))
            .filter(is_listed=False)
            .select_related("channel")
            .order_by("pk")[:AT_ONCE]
        )
        _store(reports)
        ids = [report.pk for report in reports]
        AddressReport.objects.filter(pk__in=ids).update(is_listed=True)
    return reports


def _store(reports: Iterable[AddressReport]) -> None:
    """One entry for each address and kind: of the complaint where there is one."""
    ranked = sorted(reports, key=lambda report: report.cause == Cause.COMPLAINT)
    entries = {
        (report.value, kind): report
        for report in ranked
        for kind in kinds_sharing_ids(report.channel.kind)
    }
    columns = [(name, "text") for name in ("kind", "value", "reason", "note")]
    columns.append(("at", "int"))
    db.execute(
        "INSERT INTO contacts_suppression (kind, match, value, reason, note, source, created_at) "
        "SELECT v.kind, 'address', v.value, v.reason, v.note, 'provider', v.at "
        f"FROM {db.json_table(columns)} WHERE true ORDER BY v.value, v.kind "
        "ON CONFLICT (value, kind, match) DO UPDATE "
        "SET reason = excluded.reason, note = excluded.note, created_at = excluded.created_at, "
        "source = excluded.source, agent_id = NULL, removed_at = NULL, "
        "applied_at = CASE WHEN contacts_suppression.removed_at IS NULL "
        "THEN contacts_suppression.applied_at END "
        "WHERE contacts_suppression.removed_at IS NOT NULL OR (contacts_suppression.source = "
        "'provider' AND contacts_suppression.reason = 'bounced' "
        "AND excluded.reason = 'complained')",
        [
            db.json_param(
                (kind, value, _REASONS[Cause(report.cause)], _proof(report), clock.to_us(report.at))
                for (value, kind), report in entries.items()
            )
        ],
    )


def _proof(report: AddressReport) -> str:
    """What the list says beside the reason: from where it is known."""
    detail = f": {report.detail}" if report.detail else ""
    about = f" (message {report.message_id})" if report.message_id else ""
    return clean(f"Reported on channel “{report.channel.name}”{detail}{about}", 500)

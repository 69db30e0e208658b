"""Who has given a consent, and who has withdrawn it: when, and in which way.

A change carries its moment; one that is older than what is known of a person changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.consents import signals
from clarion.consents.asking import ask
from clarion.consents.manage import ConsentError
from clarion.consents.models import Change, Confirmation, Consent, Grant, TextVersion
from clarion.consents.proof import NO_PROOF, Proof
from clarion.contacts.models import Contact, Tag
from clarion.kit import clock, db
from clarion.kit.batches import batches
from clarion.kit.names import some
from clarion.kit.numbers import is_id
from clarion.kit.text import clean

CHUNK = 2_000  # people of one transaction
NEEDS_CONFIRMING = (Change.How.AGENT, Change.How.IMPORT, Change.How.API, Change.How.FORM)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one contact stands with one consent; ``given`` is None while nobody has asked them."""

    consent: Consent
    given: bool | None
    at: datetime | None = None
    how: str = ""  # of Change.How, in words
    agent: str = ""  # who noted it
    asked: Confirmation | None = None  # they were asked to confirm it, and have not


@dataclass(frozen=True, slots=True)
class Count:
    """How many people have given a consent, and how many have withdrawn it."""

    given: int = 0
    withdrawn: int = 0


def give(
    consent: Consent,
    contact_ids: Iterable[int],
    *,
    how: str,
    by: Agent | str,
    at: datetime | None = None,
    proof: Proof = NO_PROOF,
    version: int | None = None,
    is_confirmed: bool = False,
) -> int:
    """Note that these people gave the consent; return for how many that is new.

    A consent that has to be confirmed is not given yet: they are asked (``confirmations``), and
    counted, unless they did it on a page of their own, or it ``is_confirmed``. ``version``: the id
    of the text that they were shown, by default the one of that moment.

    ``how`` is one of Change.How, ``at`` the moment, by default now; ``proof`` is kept. Ids may be a
    long stream; a thousand people or a million, they are noted in steps. Raises ConsentError.
    """
    asking = asks(consent, how) and not is_confirmed
    return _note(consent, contact_ids, True, how, by, at, proof, version, asking=asking)


def withdraw(
    consent: Consent,
    contact_ids: Iterable[int],
    *,
    how: str,
    by: Agent | str,
    at: datetime | None = None,
    proof: Proof = NO_PROOF,
) -> int:
    """Note that these people withdrew the consent (or never want to be asked); as ``give``.

    Sends ``consents.signals.withdrawn``: what is queued for them is skipped at once.
    """
    return _note(consent, contact_ids, False, how, by, at, proof)


def withdraw_all(contact_id: int, *, how: str, proof: Proof, at: datetime) -> None:
    """Note that a contact withdrew each consent that they have given, by themselves."""
    granted = Grant.objects.filter(contact=contact_id, given=True).select_related("consent")
    for grant in granted.order_by("consent"):
        withdraw(grant.consent, [contact_id], how=how, by=audit.STRANGER, at=at, proof=proof)


def asks(consent: Consent, how: str) -> bool:
    """Whether contacts have to confirm the consent when it is given in this way."""
    return consent.confirm_channel_id is not None and how in NEEDS_CONFIRMING


def check_way(how: str) -> None:
    """Raises ConsentError for a way that there is not."""
    if how not in Change.How.values:
        ways = ", ".join(Change.How.values)
        raise ConsentError(f"There is no way called “{how}”. Choose one of: {ways}.")


def give_some(
    consent: Consent,
    contact_ids: Sequence[int],
    *,
    how: str,
    by: Agent | str,
    at: datetime,
    proof: Proof,
    is_confirmed: bool = False,
) -> int:
    """As ``give``, for up to CHUNK contacts in the caller's transaction, without an audit entry."""
    version = _version_at(consent, at)
    if asks(consent, how) and not is_confirmed:
        return ask(consent, contact_ids, how=how, by=by, at=at, proof=proof, version=version)
    return _switch(consent, contact_ids, True, how, by, at, proof, version)


def withdraw_some(
    consent: Consent,
    contact_ids: Sequence[int],
    *,
    how: str,
    by: Agent | str,
    at: datetime,
    proof: Proof,
) -> int:
    """As ``withdraw``, for up to CHUNK contacts in the caller's transaction, without an entry."""
    version = _version_at(consent, at)
    return _switch(consent, contact_ids, False, how, by, at, proof, version)


def _note(
    consent: Consent,
    contact_ids: Iterable[int],
    given: bool,
    how: str,
    by: Agent | str,
    at: datetime | None,
    proof: Proof,
    version: int | None = None,
    *,
    asking: bool = False,
) -> int:
    check_way(how)
    moment = clock.now() if at is None else at
    if moment > clock.now():
        raise ConsentError("That time is in the future. Choose an earlier one.")
    changed, last = 0, 0
    for chunk in batches(contact_ids, CHUNK):
        shown = version or _version_at(consent, moment)
        if asking:
            with transaction.atomic():
                changed += ask(
                    consent, chunk, how=how, by=by, at=moment, proof=proof, version=shown
                )
        else:
            changed += _switch(consent, chunk, given, how, by, moment, proof, shown)
        last = chunk[-1]
    if changed:
        verb = "ask" if asking else "give" if given else "withdraw"
        whom = f"contact {last}" if changed == 1 else f"{changed} contacts"
        audit.note(f"consent.{verb}", f"consent {consent.pk}", by, who=whom, how=how)
    return changed


def _switch(
    consent: Consent,
    ids: Sequence[int],
    given: bool,
    how: str,
    by: Agent | str,
    at: datetime,
    proof: Proof,
    version: int | None,
) -> int:
    """One chunk in one transaction; the contacts in order, so that two at a time don't deadlock."""
    people = f"{db.json_table([('id', 'int')])} CROSS JOIN contacts_contact c"
    agent = by.pk if isinstance(by, Agent) else None
    with transaction.atomic():
        changed = [
            row[0]
            for row in db.fetch(
                "INSERT INTO consents_grant (consent_id, contact_id, given, at) "
                f"SELECT %s, c.id, %s, %s FROM {people} WHERE c.id = v.id ORDER BY c.id "
                "ON CONFLICT (consent_id, contact_id) DO UPDATE "
                "SET given = excluded.given, at = excluded.at "
                "WHERE consents_grant.given <> excluded.given "
                "AND consents_grant.at <= excluded.at RETURNING contact_id",
                [
                    consent.pk,
                    given,
                    clock.to_us(at),
                    db.json_param([key] for key in sorted(set(ids))),
                ],
            )
        ]
        db.execute(
            "INSERT INTO consents_change (consent_id, version_id, contact_id, given, how, "
            "agent_id, detail, ip, user_agent, at) "
            "SELECT %s, CAST(%s AS bigint), v.id, %s, %s, CAST(%s AS bigint), %s, %s, %s, %s "
            f"FROM {db.json_table([('id', 'int')])}",
            [
                consent.pk,
                version,
                given,
                how,
                agent,
                clean(proof.detail, 300),
                clean(proof.ip, 45),
                clean(proof.user_agent, 300),
                clock.to_us(at),
                db.json_param([key] for key in changed),
            ],
        )
        if not given:
            Confirmation.objects.filter(consent=consent, contact__in=ids, confirmed_at=None).update(
                expires_at=at, due=False
            )
        if changed and not given:
            signals.withdrawn.send(Consent, consent_id=consent.pk, contact_ids=changed, at=at)
    return len(changed)


def _version_at(consent: Consent, at: datetime) -> int | None:
    """The version of the text that was shown at a moment; the first one for earlier moments."""
    versions = TextVersion.objects.filter(consent=consent).order_by("-number")
    shown = versions.filter(created_at__lte=at).first() or versions.last()
    return shown.pk if shown else None


def known(numbers: Sequence[int]) -> list[int]:
    """Contact ids as somebody has typed them. Raises ConsentError that names unknown ones."""
    contacts = Contact.objects.in_bulk([number for number in numbers if is_id(number)])
    unknown = [str(number) for number in numbers if number not in contacts]
    if unknown:
        raise ConsentError(f"There is no contact with the number {some(unknown, end='.')}")
    return list(contacts)


def everyone(tag: Tag | None = None) -> Iterator[int]:
    """The ids of all contacts, or of those with a tag, read in steps."""
    people = Contact.objects.all() if tag is None else Contact.objects.filter(taggings__tag=tag)
    after = 0
    while chunk := list(
        people.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:CHUNK]
    ):
        yield from chunk
        after = chunk[-1]


def owners(address_ids: Sequence[int]) -> Iterator[int]:
    """The ids of the contacts behind addresses, read in steps; somebody with two comes once."""
    for chunk in batches(address_ids, CHUNK):
        yield from (
            row[0]
            for row in db.fetch(
                f"SELECT DISTINCT a.contact_id FROM {db.json_table([('id', 'int')])} "
                "CROSS JOIN contacts_address a WHERE a.id = v.id ORDER BY a.contact_id",
                [db.json_param([key] for key in chunk)],
            )
        )


def lacking(names: Sequence[str], address_ids: Sequence[int]) -> set[int]:
    """Which of these addresses belong to people who have not given all of these consents.

    For a handful, as they are claimed; who is in an audience says broadcasts.audience.
    """
    wanted = set(names)
    if not wanted:
        return set()
    consents = list(Consent.objects.filter(name__in=wanted).values_list("pk", flat=True))
    if len(consents) < len(wanted):  # one that is gone was given by nobody
        return set(address_ids)
    marks = ", ".join(["%s"] * len(consents))
    rows = db.fetch(
        f"SELECT v.id FROM {db.json_table([('id', 'int')])} WHERE %s > (SELECT count(*) "
        "FROM consents_grant g WHERE g.contact_id = (SELECT a.contact_id FROM contacts_address a "
        f"WHERE a.id = v.id) AND g.consent_id IN ({marks}) AND g.given)",
        [db.json_param([key] for key in dict.fromkeys(address_ids)), len(consents), *consents],
    )
    return {row[0] for row in rows}


def standing(contact: Contact) -> list[Standing]:
    """Where a contact stands with every consent there is, by name."""
    newest: dict[int, Change] = {}
    for change in contact.consent_changes.select_related("agent").order_by("at", "pk"):
        newest[change.consent_id] = change
    asked = {
        row.consent_id: row
        for row in Confirmation.objects.filter(contact=contact, confirmed_at=None)
    }
    return [
        _standing(consent, newest.get(consent.pk), asked.get(consent.pk))
        for consent in Consent.objects.order_by("category", "name")
    ]


def _standing(consent: Consent, change: Change | None, asked: Confirmation | None) -> Standing:
    if change is None:
        return Standing(consent, None, asked=asked)
    agent = change.agent.name if change.agent else ""
    how = change.get_how_display()
    return Standing(consent, change.given, change.at, how, agent, None if change.given else asked)


def changes(contact: Contact, limit: int | None = 20) -> list[Change]:
    """What a contact gave and withdrew, newest first: the proof. ``limit`` None: all of it."""
    history = contact.consent_changes.select_related("agent", "consent", "version")
    return list(history.order_by("-at", "-pk")[:limit])


def counts() -> dict[int, Count]:
    """How many have given and withdrawn each consent, by its id; without those nobody was asked."""
    with_consent = dict(
        db.fetch("SELECT consent_id, count(*) FROM consents_grant WHERE given GROUP BY consent_id")
    )
    totals = db.fetch("SELECT consent_id, count(*) FROM consents_grant GROUP BY consent_id")
    return {
        key: Count(with_consent.get(key, 0), every - with_consent.get(key, 0))
        for key, every in totals
    }

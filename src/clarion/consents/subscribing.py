"""Visitors of a website who subscribe to a channel, and who end that again: contact and consent."""

from datetime import datetime

import structlog

from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.channels.subscriptions import Subscription, SubscriptionRefused
from clarion.consents import grants
from clarion.consents.models import Change, Consent
from clarion.consents.proof import Proof
from clarion.contacts import addresses, identities
from clarion.contacts.models import Address
from clarion.contacts.states import AddressState
from clarion.contacts.upserts import Upsert, Upserted, upsert
from clarion.kit import db

log = structlog.get_logger()
BY = "a website"  # in the audit log


def subscribe(channel_id: int, wanted: Subscription, proof: Proof, at: datetime) -> None:
    """Add the visitor as a contact, or update theirs; note the consent that the channel names.

    Whoever had unsubscribed, or was out of reach, gets messages again. Raises SubscriptionRefused
    with what is wrong with the visitor's details.
    """
    channel = Channel.objects.get(pk=channel_id)
    with db.write():
        result = _upserted(channel, wanted)
        addresses.mark(result.address, AddressState.ACTIVE, at)
        consent = _consent(channel, wanted)
        if consent is not None:
            grants.give_some(
                consent, [result.contact], how=Change.How.FORM, by=BY, at=at, proof=proof
            )


def update(channel_id: int, wanted: Subscription, proof: Proof, at: datetime) -> None:
    """Fill in the details of a visitor who has subscribed. It is no act of theirs: whoever opted
    out stays so, and no consent is given. Of a stranger nothing is noted."""
    channel = Channel.objects.get(pk=channel_id)
    address = _address(channel, wanted.user_id)
    if address is not None and address.user_id == wanted.user_id:
        with db.write():
            _upserted(channel, wanted)


def renew(channel_id: int, wanted: Subscription, proof: Proof, at: datetime) -> None:
    """Send to the subscription with which a browser replaced another one by itself.

    The contact stays the same, and so does whether they opted out and what they consented to. Of a
    stranger nothing is noted.
    """
    channel = Channel.objects.get(pk=channel_id)
    old = _address(channel, wanted.replaces)
    if old is None or old.user_id != wanted.replaces:
        return
    with db.write():
        new = kind_class(channel.kind).user_id(wanted.user_id)
        identities.move(channel, old.value, new, keeps_old=False)
        _upserted(channel, wanted)


def unsubscribe(channel_id: int, wanted: Subscription, proof: Proof, at: datetime) -> None:
    """Mark the address as opted out, and withdraw the consent. Of a stranger nothing is noted.

    Who knows only the address of somebody's subscription, and not its keys, ends nothing.
    """
    channel = Channel.objects.get(pk=channel_id)
    address = _address(channel, wanted.user_id)
    if address is None or address.user_id != wanted.user_id:
        return
    with db.write():
        addresses.mark(address.pk, AddressState.OPTED_OUT, at)
        consent = _consent(channel, wanted)
        if consent is not None:
            grants.withdraw_some(
                consent, [address.contact_id], how=Change.How.FORM, by=BY, at=at, proof=proof
            )


def _upserted(channel: Channel, wanted: Subscription) -> Upserted:
    """Create or update the contact. Raises SubscriptionRefused."""
    item = Upsert(
        wanted.user_id,
        name=wanted.name,
        language=wanted.language,
        attributes=wanted.attributes,
        tags=wanted.tags,
        has_written=True,
    )
    (result,) = upsert(channel, [item], by=BY)
    if result.sentence:
        raise SubscriptionRefused(f"{result.field}: {result.sentence}")
    # Of one that a report named, or that took the place of another, only the id is known.
    value = kind_class(channel.kind).user_id(wanted.user_id)
    if value != wanted.user_id:
        addresses.complete(result.address, value, wanted.user_id)
    return result


def _address(channel: Channel, user_id: str) -> Address | None:
    try:
        value = kind_class(channel.kind).user_id(user_id)
    except BadIdError as error:
        raise SubscriptionRefused(f"This can't be a user id: {error}.") from None
    return identities.find(channel, value)


def _consent(channel: Channel, wanted: Subscription) -> Consent | None:
    if not wanted.consent:
        return None
    consent = Consent.objects.filter(name=wanted.consent).first()
    if consent is None:
        # The visitor can do nothing about it; the subscription counts all the same.
        log.warning("consent_unknown", channel=channel.pk, consent=wanted.consent)
    return consent

"""Codes of claimed deliveries: issued after the claim, given back when nothing was ever sent.

A worker that ends between claim and sending leaves a code that is the contact's already, and the
next claim finds it. So no code is given to two contacts, and none is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from clarion.broadcasts import chains
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.sending import note_codes_returned, over_with_codes
from clarion.codes import issuing
from clarion.contacts.addresses import owners
from clarion.engine.claim import Claim, Claimed, NoCode
from clarion.kit import db
from clarion.records.deliveries.claim import occurrences


def attach(claim: Claim) -> Claim:
    """A claim whose messages carry the codes that their broadcasts need."""
    if not claim.pools:
        return claim
    return replace(claim, messages=with_codes(claim.messages, claim.pools))


def with_codes(messages: Sequence[Claimed], pools: Mapping[int, int]) -> list[Claimed]:
    """These messages, each with its code, or with why there is none.

    ``pools``: of broadcasts that give codes, the id of their code pool.
    """
    concerned = [claimed for claimed in messages if claimed.broadcast in pools]
    contacts = owners(claimed.address for claimed in concerned)
    times = occurrences(claimed.delivery for claimed in concerned)
    codes: dict[int, str | NoCode] = {}
    asked_at = db.now_us()
    for broadcast, pool in pools.items():
        holders = {
            claimed.delivery: (contacts[claimed.address], times.get(claimed.delivery, 0))
            for claimed in concerned
            if claimed.broadcast == broadcast and claimed.address in contacts
        }
        if not holders:
            continue
        issued = issuing.issue(pool, _root(broadcast), holders.values())
        missing = NoCode(issued.reason, issued.may_wait, asked_at)
        for delivery, holder in holders.items():
            codes[delivery] = issued.codes.get(holder, missing)
    return [
        replace(claimed, code=codes[claimed.delivery]) if claimed.delivery in codes else claimed
        for claimed in messages
    ]


def give_back_unsent() -> int:
    """Free the codes of broadcasts that are over whose message was certainly never sent.

    Returns how many. What a crash interrupts is done again.
    """
    freed = 0
    for broadcast in over_with_codes():
        links = [link.pk for link in chains.chain(broadcast)]
        for contacts in chains.contacts_never_sent_to(broadcast.pk, links):
            freed += issuing.give_back(links[0], contacts)
        note_codes_returned(broadcast)
    return freed


@lru_cache(maxsize=1_000)
def _root(broadcast_id: int) -> int:
    """The broadcast that was restarted first: its id names the chain. It never changes."""
    return chains.chain(Broadcast.objects.get(pk=broadcast_id))[0].pk

"""Asking contacts to confirm a consent: a message with a link becomes due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from clarion.accounts.models import Agent
from clarion.consents.models import Consent
from clarion.consents.proof import Proof
from clarion.kit import clock, db
from clarion.kit.text import clean

LASTS: Final = timedelta(days=7)  # how long a link is good
MOST_SENDS: Final = 3  # messages to one contact within LASTS
BETWEEN: Final = timedelta(hours=1)  # from one message to the next
# SQL, with the moment LASTS ago: the messages so far count no more. A withdrawal ends a request,
# but its messages still count, or giving and withdrawing in turn would send without end.
_BEGINS_ANEW: Final = (
    "(consents_confirmation.confirmed_at IS NOT NULL "
    "OR COALESCE(consents_confirmation.sent_at, 0) < %s)"
)


def ask(
    consent: Consent,
    contact_ids: Sequence[int],
    *,
    how: str,
    by: Agent | str,
    at: datetime,
    proof: Proof,
    version: int | None,
) -> int:
    """Ask these contacts to confirm; return how many are asked. In the caller's transaction.

    Left out: who has given the consent or withdrawn it since ``at``, who has no address on its
    channel, and who was asked moments ago, or MOST_SENDS times already. ``version``: the id of
    the text that they were shown.
    """
    now, agent = clock.to_us(clock.now()), by.pk if isinstance(by, Agent) else None
    long_ago = clock.to_us(clock.now() - LASTS)
    where = (
        "SELECT min(a.id) FROM contacts_address a WHERE a.contact_id = v.id "
        "AND a.channel_id = %s AND a.alias_of_id IS NULL"
    )
    rows = db.fetch(
        "INSERT INTO consents_confirmation (consent_id, contact_id, address_id, version_id, how, "
        "agent_id, detail, ip, user_agent, requested_at, expires_at, sends, due, problem) "
        "SELECT q.consent_id, q.contact_id, q.address_id, CAST(%s AS bigint), %s, "
        "CAST(%s AS bigint), %s, %s, %s, %s, %s, 0, %s, '' FROM ("
        f"SELECT CAST(%s AS bigint) AS consent_id, v.id AS contact_id, ({where}) AS address_id "
        f"FROM {db.json_table([('id', 'int')])} WHERE NOT EXISTS (SELECT 1 FROM consents_grant g "
        "WHERE g.consent_id = %s AND g.contact_id = v.id AND (g.given OR g.at > %s))) q "
        "WHERE q.address_id IS NOT NULL ORDER BY q.contact_id "
        "ON CONFLICT (consent_id, contact_id) DO UPDATE SET address_id = excluded.address_id, "
        "version_id = excluded.version_id, how = excluded.how, agent_id = excluded.agent_id, "
        "detail = excluded.detail, ip = excluded.ip, user_agent = excluded.user_agent, "
        "requested_at = excluded.requested_at, due = excluded.due, problem = '', "
        "confirmed_at = NULL, "
        f"sends = CASE WHEN {_BEGINS_ANEW} THEN 0 ELSE consents_confirmation.sends END, "
        "expires_at = excluded.expires_at "
        "WHERE consents_confirmation.confirmed_at IS NOT NULL "
        "OR ((consents_confirmation.expires_at < %s OR NOT consents_confirmation.due) "
        f"AND ({_BEGINS_ANEW} OR (consents_confirmation.sends < %s "
        "AND COALESCE(consents_confirmation.sent_at, 0) < %s))) RETURNING contact_id",
        [
            version, how, agent, clean(proof.detail, 300), clean(proof.ip, 45),
            clean(proof.user_agent, 300), clock.to_us(at), clock.to_us(clock.now() + LASTS), True,
            consent.pk, consent.confirm_channel_id,
            db.json_param([key] for key in sorted(set(contact_ids))), consent.pk, clock.to_us(at),
            long_ago, now, long_ago, MOST_SENDS, clock.to_us(clock.now() - BETWEEN),
        ],
    )  # fmt: skip
    return len(rows)

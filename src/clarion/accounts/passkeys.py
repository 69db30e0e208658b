"""Passkeys and security keys as a second factor (WebAuthn level 2, by python-fido2).

A ceremony begins with options for the browser and a state that its session keeps, and is completed
once with what the browser answers. ``site`` is the address that pages have, without a path:
a passkey is bound to its host.
"""

import base64
import struct
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from clarion.accounts import audit
from clarion.accounts.models import Agent, Passkey
from clarion.accounts.second_factor import (
    SecondFactorError,
    begin_second_factor,
    drop_dangling_codes,
    has_second_factor,
)

MOST: Final = 20  # of an agent
NAME_LENGTH: Final = 80
# What reading an answer may raise, whatever a browser sends (RecursionError: nested deeply).
_MALFORMED: Final = (
    ValueError, TypeError, LookupError, AttributeError, struct.error, RecursionError,
)  # fmt: skip
_REFUSED: Final = (
    "The browser's answer could not be used. Try again, and confirm within a few minutes."
)


def begin_adding(agent: Agent, site: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options for the browser with which it makes a passkey, and the state to keep."""
    options, state = _server(site).register_begin(
        PublicKeyCredentialUserEntity(
            id=str(agent.pk).encode(), name=agent.email, display_name=agent.name
        ),
        credentials=_credentials(agent),
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options), state


def add_passkey(
    agent: Agent,
    site: str,
    state: Mapping[str, Any] | None,
    answer: Mapping[str, Any],
    *,
    name: str,
    keep: str | None = None,
) -> list[str]:
    """Store the passkey that the browser has made.

    Return the agent's recovery codes if this is the first second factor, else nothing; other
    sessions than ``keep`` then end. Raises SecondFactorError.
    """
    name = " ".join(name.split())[:NAME_LENGTH] or "Passkey"
    if state is None:
        raise SecondFactorError(_REFUSED)
    try:
        data = _server(site).register_complete(state, answer)
    except _MALFORMED:
        raise SecondFactorError(_REFUSED) from None
    credential = data.credential_data
    assert credential is not None
    with transaction.atomic():
        Agent.objects.select_for_update().get(pk=agent.pk)
        if agent.passkeys.count() >= MOST:
            raise SecondFactorError(f"You have {MOST} passkeys. Remove one first.")
        is_first = not has_second_factor(agent)
        key = _text(credential.credential_id)
        if Passkey.objects.filter(credential_id=key).exists():
            raise SecondFactorError("This passkey is registered already.")
        Passkey.objects.create(
            agent=agent,
            name=name,
            credential_id=key,
            credential=_text(credential),
            counter=data.counter,
        )
        audit.note("two_factor.add", f"agent {agent.pk}", agent, kind="passkey", name=name)
        return begin_second_factor(agent, keep=keep) if is_first else []


def begin_using(agent: Agent, site: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Options for the browser with which it uses a passkey, and the state; None without any."""
    credentials = _credentials(agent)
    if not credentials:
        return None
    options, state = _server(site).authenticate_begin(
        credentials, user_verification=UserVerificationRequirement.PREFERRED
    )
    return dict(options), state


def use_passkey(
    agent: Agent, site: str, state: Mapping[str, Any] | None, answer: Mapping[str, Any]
) -> bool:
    """Whether the browser's answer proves a passkey of the agent."""
    if state is None:
        return False
    try:
        used = _server(site).authenticate_complete(state, _credentials(agent), answer)
        counter = AuthenticationResponse.from_dict(answer).response.authenticator_data.counter
    except _MALFORMED:
        return False
    passkeys = Passkey.objects.filter(agent=agent, credential_id=_text(used.credential_id))
    # 0: a passkey that does not count. Of one that does, a copy would fall behind.
    in_order = Q(counter__lt=counter) if counter else Q(counter=0)
    return passkeys.filter(in_order).update(counter=counter) == 1


def remove_passkey(agent: Agent, pk: int) -> bool:
    """Remove one of one's passkeys; return whether there was one."""
    with transaction.atomic():
        Agent.objects.select_for_update().get(pk=agent.pk)
        passkey = agent.passkeys.filter(pk=pk).first()
        if passkey is None:
            return False
        passkey.delete()
        audit.note(
            "two_factor.remove", f"agent {agent.pk}", agent, kind="passkey", name=passkey.name
        )
        drop_dangling_codes(agent)
    return True


def _server(site: str) -> Fido2Server:
    host = urlsplit(site).hostname or ""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=host, name="Clarion"),
        verify_origin=lambda origin: origin == site,
    )


def _credentials(agent: Agent) -> list[AttestedCredentialData]:
    stored = agent.passkeys.order_by("pk").values_list("credential", flat=True)
    return [AttestedCredentialData(base64.urlsafe_b64decode(text)) for text in stored]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()

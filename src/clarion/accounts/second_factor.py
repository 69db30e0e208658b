"""Two-factor authentication: codes of an authenticator app, recovery codes, and who needs it.

An agent has a second factor with an app or a passkey (see passkeys); recovery codes come with the
first of them. A code is good for one use: of an app, codes are counted up (RFC 6238, 5.2); a
recovery code is deleted by using it. API tokens are not asked for a second factor.
"""

import base64
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, urlencode

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from clarion.accounts import audit
from clarion.accounts.models import (
    AccessRules,
    Agent,
    AuthenticatorApp,
    Passkey,
    RecoveryCode,
    Role,
)
from clarion.accounts.sessions import drop_sessions
from clarion.kit import clock, ids
from clarion.kit.vault import SealedError

log = structlog.get_logger()
STEP: Final = 30  # seconds that a code is shown for
RECOVERY_CODES: Final = 10
_DIGITS: Final = 6
_DRIFT: Final = 1  # steps that the clock of a phone may be wrong
_SECRET_BYTES: Final = 20  # RFC 4226 recommends 160 bits
_RECOVERY_LENGTH: Final = 16  # characters, 79 bits: a plain hash can't be reversed
_ISSUER: Final = "Clarion"


# For lists of agents: whether each has a second factor.
HAS_SECOND_FACTOR: Final = Exists(AuthenticatorApp.objects.filter(agent=OuterRef("pk"))) | Exists(
    Passkey.objects.filter(agent=OuterRef("pk"))
)


class SecondFactorError(ValueError):
    """A second factor can't be set up or used like this; says what to do."""

    field = "code"


def has_second_factor(agent: Agent) -> bool:
    """Whether this agent is asked for a second factor at login."""
    return AuthenticatorApp.objects.filter(agent=agent).exists() or agent.passkeys.exists()


def must_set_up(agent: Agent) -> bool:
    """Whether the agent's role requires a second factor that the agent has not set up."""
    return agent.role in required_roles() and not has_second_factor(agent)


def required_roles() -> list[str]:
    """The roles that need a second factor."""
    rules = AccessRules.objects.filter(pk=AccessRules.ONLY).first()
    return list(rules.two_factor_roles) if rules else []


def require_for(roles: Iterable[str], *, by: Agent | str) -> None:
    """Require a second factor of these roles, and of no others. Raises SecondFactorError."""
    chosen = set(roles)
    if unknown := sorted(chosen - set(Role.values)):
        raise SecondFactorError(f"There is no role “{unknown[0]}”.")
    ordered = [role for role in Role.values if role in chosen]
    with transaction.atomic():
        AccessRules.objects.update_or_create(
            pk=AccessRules.ONLY, defaults={"two_factor_roles": ordered}
        )
        audit.note("two_factor.require", "workspace", by, roles=ordered)


def new_secret() -> str:
    """A secret for an authenticator app, in base 32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def setup_url(agent: Agent, secret: str) -> str:
    """What an authenticator app reads from a QR code."""
    query = urlencode({"secret": secret, "issuer": _ISSUER}, quote_via=quote)
    return f"otpauth://totp/{quote(_ISSUER)}:{quote(agent.email)}?{query}"


def add_app(agent: Agent, secret: str, code: str, *, keep: str | None = None) -> list[str]:
    """Set up an authenticator app whose present code is ``code``, in place of an earlier one.

    Return the agent's recovery codes if this is the first second factor, else nothing. Other
    sessions than ``keep`` end: nobody was asked for a second factor there. Raises
    SecondFactorError for a wrong code.
    """
    step = _step_of(secret, code)
    if step is None:
        raise SecondFactorError(
            "This code is wrong. Type the code that the app shows now, and check that the clock of "
            "the phone is right."
        )
    with transaction.atomic():
        _lock(agent)
        is_first = not has_second_factor(agent)
        stored: dict[str, Any] = {"secret": {"base32": secret}, "last_step": step}
        AuthenticatorApp.objects.update_or_create(agent=agent, defaults=stored)
        audit.note("two_factor.add", f"agent {agent.pk}", agent, kind="app")
        return begin_second_factor(agent, keep=keep) if is_first else []


def begin_second_factor(agent: Agent, *, keep: str | None) -> list[str]:
    """What the first second factor brings: recovery codes, and the end of other sessions."""
    drop_sessions(agent, but=keep)
    return _fresh_codes(agent)


def remove_app(agent: Agent) -> None:
    """Remove one's authenticator app."""
    with transaction.atomic():
        _lock(agent)
        if AuthenticatorApp.objects.filter(agent=agent).delete()[0]:
            audit.note("two_factor.remove", f"agent {agent.pk}", agent, kind="app")
            drop_dangling_codes(agent)


def drop_dangling_codes(agent: Agent) -> None:
    """Delete the recovery codes of an agent who has no second factor any more."""
    if not has_second_factor(agent):
        RecoveryCode.objects.filter(agent=agent).delete()


def new_recovery_codes(agent: Agent) -> list[str]:
    """Make other recovery codes; those from before are void. Raises SecondFactorError."""
    with transaction.atomic():
        _lock(agent)
        if not has_second_factor(agent):
            raise SecondFactorError("Set up an authenticator app or a passkey first.")
        audit.note("two_factor.recovery_codes", f"agent {agent.pk}", agent)
        return _fresh_codes(agent)


def use_code(agent: Agent, code: str) -> bool:
    """Whether this is a code of the agent's app or a recovery code; then it is used up.

    Recovery codes work also when the key is lost that the app's secret was encrypted with.
    """
    app = AuthenticatorApp.objects.filter(agent=agent).first()
    step = _step_of_app(app, code) if app else None
    if step is not None:
        later = AuthenticatorApp.objects.filter(agent=agent, last_step__lt=step)
        return later.update(last_step=step) == 1
    with transaction.atomic():
        used = RecoveryCode.objects.filter(agent=agent, digest=_digest(code)).delete()[0]
        if used:
            audit.note("two_factor.recovery_code_used", f"agent {agent.pk}", agent)
    return used == 1


def _step_of_app(app: AuthenticatorApp, code: str) -> int | None:
    try:
        return _step_of(app.secret["base32"], code)
    except SealedError as error:
        log.error("authenticator_app_unreadable", agent=app.agent_id, error=str(error))
        return None


def reset(agent: Agent, *, by: Agent | str) -> bool:
    """Remove all second factors of an agent and end the agent's sessions; return if there were any.

    If the agent's role requires a second factor, the next login leads to setting it up.
    """
    with transaction.atomic():
        _lock(agent)
        removed = AuthenticatorApp.objects.filter(agent=agent).delete()[0]
        removed += agent.passkeys.all().delete()[0]
        RecoveryCode.objects.filter(agent=agent).delete()
        if removed:
            drop_sessions(agent)
            audit.note("two_factor.reset", f"agent {agent.pk}", by)
    return bool(removed)


def _lock(agent: Agent) -> None:
    """One change of an agent's second factors at a time."""
    Agent.objects.select_for_update().get(pk=agent.pk)


def _fresh_codes(agent: Agent) -> list[str]:
    RecoveryCode.objects.filter(agent=agent).delete()
    codes = [ids.token(_RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(agent=agent, digest=_digest(code)) for code in codes
    )
    return ["-".join(re.findall("....", code)) for code in codes]


def _digest(code: str) -> str:
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _step_of(secret: str, code: str) -> int | None:
    """The step of which this is the code, None for a wrong one."""
    digits = "".join(code.split()).encode("utf-8", "surrogatepass")
    present = clock.now_us() // clock.SECOND // STEP
    steps = range(present - _DRIFT, present + _DRIFT + 1)
    matches = [
        step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), digits)
    ]
    return matches[-1] if matches else None


def code_at(secret: str, step: int) -> str:
    """The code of a step (RFC 4226, 5.3; RFC 6238 with its default parameters)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)

"""API tokens."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.accounts import audit
from clarion.accounts.agents import AgentError, valid_name
from clarion.accounts.models import ApiToken, AuditEntry
from clarion.accounts.scopes import SCOPES, grantable
from clarion.accounts.tokens import TokenError, create_token, find_token, live_tokens, revoke_token
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def make(**more: Any) -> tuple[ApiToken, str]:
    facts = {"name": "Shop", "scopes": ["contacts:read"], "expires_at": None} | more
    return create_token(**{"by": audit.COMMAND_LINE, **facts})


def test_only_a_hash_is_stored() -> None:
    token, secret = make()
    stored = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in str(stored)
    assert secret.split("_")[2] not in str(stored)
    assert find_token(secret) == token


@pytest.mark.parametrize(
    "wrong", ["", "x", "clarion__", "clarion_abcdefgh_x", "é_éééééééé_é", "\0"]
)
def test_a_wrong_secret_is_nobodys(wrong: str) -> None:
    make()
    assert find_token(wrong) is None


def test_the_audit_log_has_no_secret() -> None:
    token, secret = make()
    revoke_token(token, by=audit.COMMAND_LINE)
    revoke_token(token, by=audit.COMMAND_LINE)
    entries = AuditEntry.objects.order_by("pk")
    assert [entry.action for entry in entries] == ["token.create", "token.revoke"]
    assert secret not in str(list(entries.values()))
    assert not live_tokens().exists()


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["contacts:everything"]}),
        ("expires_at", {"expires_at": clock.now() - timedelta(seconds=1)}),
        ("requests_per_minute", {"requests_per_minute": 0}),
    ],
)
def test_what_is_wrong_names_its_field(field: str, facts: dict[str, Any]) -> None:
    with pytest.raises(TokenError) as refused:
        make(**facts)
    assert refused.value.field == field


def test_a_name_is_used_once_until_it_is_revoked() -> None:
    token, _ = make()
    with pytest.raises(TokenError, match="already a token called “Shop”"):
        make()
    revoke_token(token, by=audit.COMMAND_LINE)
    make()


def test_managers_give_no_scope_of_admins() -> None:
    manager = factory.agent("manager", "Mia")
    assert set(SCOPES) - set(grantable("manager")) == {
        "agents:read",
        "agents:write",
        "audit:read",
    }
    assert grantable("sender") == []
    with pytest.raises(TokenError, match="Only an admin can give the scope audit:read"):
        make(scopes=["audit:read"], by=manager)
    make(scopes=["audit:read"], by=factory.agent())


def test_no_agent_can_be_called_as_a_token_is() -> None:
    with pytest.raises(AgentError, match="reserved"):
        valid_name("API token Shop", role="admin")

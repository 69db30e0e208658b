"""What an API token may do: one scope for reading and one for changing each area."""

from types import MappingProxyType
from typing import Final, NamedTuple

from clarion.accounts.models import Role


class Scope(NamedTuple):
    """One permission of a token."""

    label: str  # what it permits, for people
    role: Role  # the least role whose agents may give it to a token


_MANAGER, _ADMIN = Role.MANAGER, Role.ADMIN
SCOPES: Final = MappingProxyType(
    {
        "contacts:read": Scope("Read contacts and tags", _MANAGER),
        "contacts:write": Scope("Add, change and delete contacts and tags", _MANAGER),
        "consents:read": Scope("Read consents", _MANAGER),
        "consents:write": Scope("Change consents; give and withdraw them", _MANAGER),
        "segments:read": Scope("Read segments", _MANAGER),
        "segments:write": Scope("Add, change and delete segments", _MANAGER),
        "channels:read": Scope("Read channels, without their credentials", _MANAGER),
        "channels:write": Scope("Add, change, pause and check channels", _MANAGER),
        "content:read": Scope("Read stories, layouts and media", _MANAGER),
        "content:write": Scope("Add and change stories, layouts and media", _MANAGER),
        "broadcasts:read": Scope("Read broadcasts, drafts and their numbers", _MANAGER),
        "broadcasts:write": Scope("Create, send and control broadcasts", _MANAGER),
        "messages:write": Scope("Send messages to single contacts", _MANAGER),
        "records:read": Scope("Read deliveries, records and receipts", _MANAGER),
        "chats:read": Scope("Read chats", _MANAGER),
        "chats:write": Scope("Reply to chats and close them", _MANAGER),
        "codes:read": Scope("Read code pools and codes", _MANAGER),
        "codes:write": Scope("Change code pools; issue and redeem codes", _MANAGER),
        "filters:read": Scope("Read shared filters of lists", _MANAGER),
        "filters:write": Scope("Save, rename and delete shared filters", _MANAGER),
        "webhooks:read": Scope("Read webhook endpoints and their logs", _MANAGER),
        "webhooks:write": Scope("Add, change and delete webhook endpoints", _MANAGER),
        "agents:read": Scope("Read agents, their roles and sessions", _ADMIN),
        "agents:write": Scope("Invite agents; change their role, access and sessions", _ADMIN),
        "audit:read": Scope("Read the audit log", _ADMIN),
    }
)


def grantable(role: str) -> list[str]:
    """The scopes that agents of a role may give to a token, in their order."""
    ranks: list[str] = list(Role.values)
    return [name for name, scope in SCOPES.items() if ranks.index(scope.role) <= ranks.index(role)]

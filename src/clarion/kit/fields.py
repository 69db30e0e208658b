"""Model fields that several packages use."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

from clarion.kit import clock, vault

if TYPE_CHECKING:
    # What it looks like from outside: a field of datetimes, optional where it is null.
    _Base = models.DateTimeField
else:
    _Base = models.BigIntegerField


class InstantField(_Base):  # type: ignore[type-arg]
    """A moment: an aware datetime in Python, microseconds since 1970 in the database.

    The engine's SQL adds and compares moments in the same words on SQLite and PostgreSQL, and a
    row costs 8 bytes instead of SQLite's 26 characters.
    """

    def from_db_value(self, value: int | None, *_: object) -> datetime | None:
        """Microseconds from the database as an aware datetime."""
        return None if value is None else clock.from_us(value)

    def to_python(self, value: Any) -> datetime | None:
        """Accept what ``get_prep_value`` accepts and give the datetime."""
        if value is None or isinstance(value, datetime):
            return value
        return clock.from_us(int(value))

    def get_prep_value(self, value: Any) -> int | None:
        """A datetime (or microseconds) as microseconds for the database."""
        if isinstance(value, datetime):
            return clock.to_us(value)
        prepared: int | None = super().get_prep_value(value)
        return prepared

    def get_internal_type(self) -> str:
        """Stored like a big integer."""
        return "BigIntegerField"

    def formfield(self, **_: Any) -> None:
        """Moments are never typed into a model form as they are stored."""
        return


class SecretJSONField(models.TextField):  # type: ignore[type-arg]
    """A JSON object that is encrypted at rest (MultiFernet, key from ``CLARION_SECRET_KEY``)."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        """Decrypt and parse. Raises vault.SealedError when the key does not fit."""
        return None if value is None else json.loads(vault.open_sealed(value))

    def to_python(self, value: Any) -> Any:
        """The object itself, or parsed from a sealed string."""
        return json.loads(vault.open_sealed(value)) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        """Serialise and encrypt."""
        return None if value is None else vault.seal(json.dumps(value))

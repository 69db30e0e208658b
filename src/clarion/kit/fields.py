"""Model fields that several packages use."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

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


class _Sealed(str):
    """An encrypted value as it is stored."""

    __slots__ = ()


class _OpenedWhenRead(DeferredAttribute):
    """Decrypts when it is read, so that rows nobody can read can still be listed and deleted."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """The object. Raises vault.SealedError when the key does not fit."""
        value = super().__get__(instance, cls)
        if isinstance(value, _Sealed):
            value = instance.__dict__[self.field.attname] = json.loads(vault.open_sealed(value))
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        """Store a value. Without this, Python would read it past ``__get__``."""
        instance.__dict__[self.field.attname] = value


class SecretJSONField(models.TextField):  # type: ignore[type-arg]
    """A JSON object that is encrypted at rest (MultiFernet, key from ``CLARION_SECRET_KEY``).

    It is decrypted when the attribute is read, which raises vault.SealedError when the key does not
    fit. ``values`` and ``values_list`` give what is stored.
    """

    descriptor_class = _OpenedWhenRead

    def from_db_value(self, value: str | None, *_: object) -> Any:
        """What is stored."""
        return None if value is None else _Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value as it is: what nobody has read needs no opening to be stored again."""
        return model_instance.__dict__[self.attname]

    def to_python(self, value: Any) -> Any:
        """The object itself, or parsed from a sealed string."""
        return json.loads(vault.open_sealed(value)) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        """Serialise and encrypt; what is sealed already stays as it is."""
        if value is None or isinstance(value, _Sealed):
            return value
        return vault.seal(json.dumps(value))

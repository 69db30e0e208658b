"""What every kind of SMS does alike: phone numbers as user ids, and what messages cost."""

from collections.abc import Mapping
from typing import ClassVar

from clarion.channels import phone_ids, sms_settings
from clarion.channels.contract import Outgoing
from clarion.channels.measuring import Measured


class SmsKind:
    """The part of a channel kind that is the same for all SMS."""

    id_titles: ClassVar[tuple[str, ...]] = phone_ids.TITLES
    unit: ClassVar[tuple[str, str]] = sms_settings.UNIT
    counts_alone: ClassVar[bool] = True
    price_categories: ClassVar[Mapping[str, str]] = {}
    free_in_window: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: sms_settings.SmsSettings, country: str) -> None:
        """``country``: that of numbers without “+” or “00” in front, or ""."""
        self._settings = settings
        self._country = country
        self.prices = sms_settings.price_table(settings)

    @staticmethod
    def user_id(text: str) -> str:
        """The digits of a phone number with its country code. Raises BadIdError."""
        return phone_ids.phone_number(text)

    @staticmethod
    def id_part(text: str) -> str:
        """A part of a number as it is compared: its digits."""
        return phone_ids.phone_part(text)

    def read_id(self, text: str) -> str:
        """As ``user_id``, of a number of the channel's country where it has no other code."""
        return phone_ids.phone_number(text, self._country)

    def measure(self, message: Outgoing) -> Measured:
        """The SMS that a message takes, and what they cost."""
        return sms_settings.measure(message, self._settings, self.prices)

    @staticmethod
    def price_category(message: Outgoing) -> str:
        """All SMS of a channel are charged alike."""
        return ""

    @staticmethod
    def priced_number(user_id: str) -> str:
        """The number itself."""
        return user_id

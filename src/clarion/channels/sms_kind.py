"""What every kind of SMS does alike: phone numbers as user ids, and what messages cost."""

from typing import ClassVar

from clarion.channels import phone_ids, sms_settings
from clarion.channels.contract import Outgoing
from clarion.channels.measuring import Measured


class SmsKind:
    """The part of a channel kind that is the same for all SMS."""

    id_titles: ClassVar[tuple[str, ...]] = phone_ids.TITLES
    unit: ClassVar[tuple[str, str]] = sms_settings.UNIT

    def __init__(self, settings: sms_settings.SmsSettings, country: str) -> None:
        """``country``: that of numbers without “+” or “00” in front, or ""."""
        self._settings = settings
        self._country = country
        self._prices = sms_settings.SmsPrices(settings)
        self.currency = self._prices.currency
        self.prices_differ = self._prices.differ

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
        return sms_settings.measure(message, self._settings, self._prices)

"""The form of a channel, made from the settings of its kind."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.channels import limits
from clarion.channels.errors import SettingsError
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.channels.settings import ConfigField, config_fields, shown
from clarion.kit import rates

PREFIX = "setting-"  # a setting may be called like one of the channel's own fields


class ChannelForm(forms.Form):
    """Name, settings of the kind, rate and attempts. A secret that is left empty is kept."""

    def __init__(self, kind: str, *args: Any, channel: Channel | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.channel = channel
        own_rate = kind_class(kind).limits.rate
        if channel is None:
            self.fields["name"] = forms.CharField(
                label=_("Name"),
                max_length=limits.LONGEST_NAME,
                help_text=_("Shown wherever a channel is chosen, for example “Newsletter bot”."),
            )
        self.settings = config_fields(kind)
        stored = shown(kind, channel.config) if channel else {}
        for setting in self.settings:
            initial = stored.get(setting.name, setting.default)
            self.fields[PREFIX + setting.name] = _setting(setting, initial, channel)
        self.fields["rate"] = RateField(
            label=_("Send rate"),
            required=False,
            initial=channel.rate if channel else own_rate,
            help_text=_("Messages a second. Leave empty for as fast as the provider answers."),
        )
        self.fields["attempts"] = forms.IntegerField(
            label=_("Attempts"),
            min_value=1,
            max_value=limits.MOST_ATTEMPTS,
            initial=channel.attempts if channel else limits.ATTEMPTS,
        )
        self.fields["backoff"] = forms.FloatField(
            label=_("Retry delay, seconds"),
            min_value=0,
            max_value=limits.LONGEST_BACKOFF,
            initial=channel.backoff if channel else limits.BACKOFF,
            help_text=_("Before the second attempt. It doubles before each further one."),
        )

    @property
    def own(self) -> list[forms.BoundField]:
        """Name and settings: what this kind needs."""
        sending = {"rate", "attempts", "backoff"}
        return [field for field in self.visible_fields() if field.name not in sending]

    @property
    def sending(self) -> list[forms.BoundField]:
        """Rate and attempts."""
        return [self["rate"], self["attempts"], self["backoff"]]

    def settings_given(self) -> dict[str, str]:
        """The settings as ``channels.manage`` takes them: as text, empty where nothing is typed."""
        values = {s.name: self.cleaned_data[PREFIX + s.name] for s in self.settings}
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value or "")
            for name, value in values.items()
        }

    def refuse(self, error: ValueError) -> None:
        """Show what the package objects to, beside the field where it names one."""
        fields = error.fields if isinstance(error, SettingsError) else {}
        for name, sentence in fields.items():
            self.add_error(PREFIX + name if PREFIX + name in self.fields else None, sentence)
        if not fields:
            self.add_error(None, str(error))


class RateField(forms.Field):
    """A send rate as people write it; nothing is no limit."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def prepare_value(self, value: Any) -> Any:
        """The rate as text; what was typed stays as it is."""
        return rates.written(value) if isinstance(value, float | int) else value

    def to_python(self, value: Any) -> float | None:
        """The rate. Raises ValidationError with what a rate is."""
        try:
            return rates.parse(str(value or ""))
        except rates.RateError as error:
            raise forms.ValidationError(str(error)) from None


def _setting(setting: ConfigField, initial: str, channel: Channel | None) -> forms.Field:
    if setting.type == "switch":
        return forms.BooleanField(
            label=setting.label,
            help_text=setting.help,
            initial=initial == "true",
            required=False,
        )
    kept = setting.secret and channel is not None and bool(channel.config.get(setting.name))
    common: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "initial": initial,
        "required": setting.required and not kept,
    }
    if setting.type == "choice":
        return forms.ChoiceField(choices=[(value, value) for value in setting.choices], **common)
    if setting.type == "number":
        return forms.IntegerField(**common)
    if setting.type == "secret":
        return forms.CharField(
            widget=_secret(_("Saved. Leave empty to keep it.") if kept else ""), **common
        )
    return forms.CharField(**common)


def _secret(placeholder: Any) -> forms.PasswordInput:
    attributes = {"autocomplete": "new-password", "spellcheck": "false", "placeholder": placeholder}
    return forms.PasswordInput(attrs=attributes)

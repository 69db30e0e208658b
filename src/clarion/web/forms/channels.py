"""The form of a channel, made from the settings of its kind."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django import forms
from django.utils import formats
from django.utils.translation import gettext as _

from clarion.channels import limits
from clarion.channels.contract import ChannelKind
from clarion.channels.defaults import FIELDS, Sending, default, usual, workspace_defaults
from clarion.channels.errors import NotConfirmed, SettingsError
from clarion.channels.groups import ADVANCED, SHOWN
from clarion.channels.limits import DEFAULT, WINDOW_HOURS, Default
from clarion.channels.manage import stored_settings
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.channels.settings import ConfigField, config_fields, shown
from clarion.kit import rates

NO_LIMIT = "none"
CONFIRMED = "confirmed"  # the checkbox below what has to be confirmed
PREFIX = "setting-"  # a setting may be called like one of the channel's own fields


_DEMANDS = {"": None, "yes": True, "no": False}  # a choice of the form -> Channel.only_written


class SettingGroup(NamedTuple):
    """Settings of one purpose."""

    title: str
    fields: list[forms.BoundField]
    folded: bool  # nothing of it is set, and most channels need nothing of it


class ChannelForm(forms.Form):
    """Name, settings of the kind, rate and attempts. A secret that is left empty is kept."""

    def __init__(self, kind: str, *args: Any, channel: Channel | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.channel = channel
        if channel is None:
            self.fields["name"] = forms.CharField(
                label=_("Name"),
                max_length=limits.LONGEST_NAME,
                help_text=_("Shown wherever a channel is chosen, for example “Newsletter bot”."),
            )
        self.questions: tuple[str, ...] = ()  # to be confirmed before anything is saved
        self.settings = config_fields(kind)
        config, self.unreadable = stored_settings(channel) if channel else ({}, "")
        stored = shown(kind, config)
        # Secrets that are stored already.
        self.kept = {PREFIX + s.name for s in self.settings if s.secret and config.get(s.name)}
        for setting in self.settings:
            initial = stored.get(setting.name, setting.default)
            name = PREFIX + setting.name
            self.fields[name] = _setting(setting, initial, kept=name in self.kept)
        self.fields |= _sending_fields(default(kind), channel)
        self.fields["only_written"] = _recipients_field(kind, channel)

    @property
    def own(self) -> list[forms.BoundField]:
        """Name and settings: what this kind needs, without those that have a group."""
        others = {"rate", "attempts", "backoff", "only_written"}
        others |= {PREFIX + setting.name for setting in self.settings if setting.group}
        return [field for field in self.visible_fields() if field.name not in others]

    @property
    def groups(self) -> list[SettingGroup]:
        """The settings of the groups, those at the end left out."""
        return [group for group in self._grouped() if group.title != ADVANCED]

    @property
    def advanced(self) -> SettingGroup | None:
        """What stands at the end of the form, where the kind has such settings."""
        return next((group for group in self._grouped() if group.title == ADVANCED), None)

    def _grouped(self) -> Iterator[SettingGroup]:
        for title in dict.fromkeys(setting.group for setting in self.settings if setting.group):
            settings = [setting for setting in self.settings if setting.group == title]
            fields = [self[PREFIX + setting.name] for setting in settings]
            usual = all(self._is_usual(setting) for setting in settings)
            folded = title not in SHOWN and usual and not any(each.errors for each in fields)
            yield SettingGroup(title, fields, folded)

    def _is_usual(self, setting: ConfigField) -> bool:
        """Whether a setting has the value that it has where nobody sets it."""
        name = PREFIX + setting.name
        if setting.required or name in self.kept:
            return False
        value = self[name].value()
        return (str(value).lower() if isinstance(value, bool) else _typed(value)) == setting.default

    @property
    def sending(self) -> list[forms.BoundField]:
        """Rate and attempts."""
        return [self["rate"], self["attempts"], self["backoff"]]

    def sending_given(self) -> dict[str, Any]:
        """Recipients, rate, attempts and retry delay as ``channels.manage`` takes them."""
        only_written = _DEMANDS[self.cleaned_data["only_written"]]
        return {name: self.cleaned_data[name] for name in FIELDS} | {"only_written": only_written}

    def settings_given(self) -> dict[str, str]:
        """The settings as ``channels.manage`` takes them: as text, empty where nothing is typed."""
        values = {s.name: self.cleaned_data[PREFIX + s.name] for s in self.settings}
        return {
            name: str(value).lower() if isinstance(value, bool) else _typed(value)
            for name, value in values.items()
        }

    def refuse(self, error: ValueError) -> None:
        """Show what the package objects to, beside the field where it names one, or asks."""
        self.questions = error.questions if isinstance(error, NotConfirmed) else ()
        if self.questions:
            return
        fields = error.fields if isinstance(error, SettingsError) else {}
        for name, sentence in fields.items():
            self.add_error(PREFIX + name if PREFIX + name in self.fields else None, sentence)
        if not fields:
            self.add_error(None, str(error))


class DefaultsForm(forms.Form):
    """What the workspace sets for channels; an empty field is each kind's usual value."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        workspace = workspace_defaults()
        super().__init__(data, initial={name: getattr(workspace, name) for name in FIELDS})
        usually = [(kind.label, usual(name)) for name, kind in KINDS.items()]
        for name, field in _own_fields().items():
            values = ", ".join(f"{label} {_written(name, of)}" for label, of in usually)
            usual_words = _("Leave empty for the usual value of each platform: %s.") % values
            unit = _("Messages a second.") if name == "rate" else ""
            field.help_text = f"{unit} {usual_words}".strip()
            self.fields[name] = field

    def clean_rate(self) -> float | Default:
        """The rate. Raises ValidationError for “none”, which only a channel can have."""
        rate: float | Default | None = self.cleaned_data["rate"]
        if rate is None:
            raise forms.ValidationError(rates.WRONG)
        return rate

    def values(self) -> dict[str, Any]:
        """The defaults as ``channels.defaults`` takes them: None where nothing is typed."""
        entered = {name: self.cleaned_data[name] for name in FIELDS}
        return {name: None if value == DEFAULT else value for name, value in entered.items()}


class RateField(forms.Field):
    """A send rate as people write it: empty follows the default, “none” is no limit."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def prepare_value(self, value: Any) -> Any:
        """The rate as text; what was typed stays as it is."""
        return rates.written(value) if isinstance(value, float | int) else value

    def to_python(self, value: Any) -> float | Default | None:
        """The rate. Raises ValidationError with what a rate is."""
        text = str(value or "").strip()
        if not text:
            return DEFAULT
        if text.lower() == NO_LIMIT:
            return None
        try:
            return rates.parse(text)
        except rates.RateError as error:
            raise forms.ValidationError(str(error)) from None


class _FollowingInteger(forms.IntegerField):
    """A whole number; empty follows the default."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return DEFAULT if number is None else number

    def run_validators(self, value: Any) -> None:
        if value != DEFAULT:
            super().run_validators(value)


class _FollowingFloat(forms.FloatField):
    """A number; empty follows the default."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return DEFAULT if number is None else number

    def validate(self, value: Any) -> None:
        if value != DEFAULT:
            super().validate(value)

    def run_validators(self, value: Any) -> None:
        if value != DEFAULT:
            super().run_validators(value)


def _own_fields() -> dict[str, forms.Field]:
    """Rate, attempts and retry delay; a value that is not typed is DEFAULT."""
    return {
        "rate": RateField(label=_("Send rate"), required=False),
        "attempts": _FollowingInteger(
            label=_("Attempts"), min_value=1, max_value=limits.MOST_ATTEMPTS, required=False
        ),
        "backoff": _FollowingFloat(
            label=_("Retry delay, seconds"),
            min_value=0,
            max_value=limits.LONGEST_BACKOFF,
            required=False,
        ),
    }


def _sending_fields(of_default: Sending, channel: Channel | None) -> dict[str, forms.Field]:
    """The fields of a channel: filled in where it has a value of its own."""
    fields = _own_fields()
    helps = {
        "rate": _("Messages a second. Write “none” for no limit."),
        "attempts": _("How often a message is attempted at most."),
        "backoff": _("The wait before the second attempt. It doubles before each further one."),
    }
    for name, field in fields.items():
        shown = {"default": _written(name, of_default)}
        field.help_text = f"{helps[name]} {_('Leave empty for the default: %(default)s.') % shown}"
        if channel is not None and getattr(channel, f"own_{name}"):
            value = getattr(channel, name)
            field.initial = NO_LIMIT if value is None else value
    return fields


def _recipients_field(kind: str, channel: Channel | None) -> forms.ChoiceField:
    """Who gets broadcasts of the channel, with what the provider demands."""
    everyone, written = _("All contacts"), _("Only contacts who have written to this channel")
    limits_of = KINDS[kind].limits
    demanded = everyone
    if limits_of.written_first:
        recently = _("Only contacts who wrote in the last %s hours") % WINDOW_HOURS
        demanded = recently if limits_of.window else written
        if limits_of.templates:
            demanded = _("%s, except for templates") % demanded
    stored = {demand: choice for choice, demand in _DEMANDS.items()}
    return forms.ChoiceField(
        label=_("Recipients"),
        required=False,
        choices=[("", _("Default: %s") % demanded), ("yes", written), ("no", everyone)],
        initial=stored[channel.only_written] if channel else "",
        help_text=_recipients_help(KINDS[kind]),
    )


def _recipients_help(kind: type[ChannelKind]) -> str:
    """What the provider demands, and when to choose otherwise."""
    fill = {"kind": kind.label, "hours": WINDOW_HOURS}
    if kind.limits.window and kind.limits.templates:
        demand = _(
            "%(kind)s accepts messages other than templates only for %(hours)s hours after a "
            "person last wrote."
        )
    elif kind.limits.window:
        demand = _("%(kind)s accepts messages only for %(hours)s hours after a person last wrote.")
    elif kind.limits.written_first:
        demand = _(
            "%(kind)s refuses messages to people who have never written to the channel. Contacts "
            "that you imported may have written before: choose “All contacts” if they have."
        )
        return demand % fill
    else:
        return ""
    choice = _("“All contacts” sends to everyone, and %(kind)s refuses the messages to the others.")
    return f"{demand} {choice}" % fill


def _written(name: str, of: Sending) -> str:
    value = getattr(of, name)
    if value is None:
        return str(_("no limit"))
    return formats.number_format(int(value) if value == int(value) else value)


def _setting(setting: ConfigField, initial: str, *, kept: bool) -> forms.Field:
    if setting.type == "switch":
        return forms.BooleanField(
            label=setting.label,
            help_text=setting.help,
            initial=initial == "true",
            required=False,
        )
    common: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "initial": initial,
        "required": setting.required and not kept,
    }
    if setting.type == "choice":
        return forms.ChoiceField(
            choices=[(value, setting.label_of(value)) for value in setting.choices], **common
        )
    if setting.type == "number":
        return forms.IntegerField(**common)
    if setting.type == "secret":
        return forms.CharField(
            widget=_secret(_("Saved. Leave empty to keep it.") if kept else ""), **common
        )
    if setting.type == "long":
        lines = {"rows": 4, "spellcheck": "false", "autocapitalize": "none"}
        return forms.CharField(widget=forms.Textarea(attrs=lines), **common)
    return forms.CharField(**common)


def _secret(placeholder: Any) -> forms.PasswordInput:
    attributes = {"autocomplete": "new-password", "spellcheck": "false", "placeholder": placeholder}
    return forms.PasswordInput(attrs=attributes)


def _typed(value: Any) -> str:
    """A value as text; 0 is one, nothing is empty."""
    return "" if value is None else str(value)

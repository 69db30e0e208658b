"""``clarion channel``: configured sending accounts."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.channels import kind_names
from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.channel_dropped import dropped
from clarion.cli.channel_options import (
    Attempts,
    Backoff,
    Check,
    Field,
    FromFiles,
    OnlyWritten,
    Rate,
    Settings,
    Yes,
    chosen_settings,
    confirmed,
    demand,
    number,
    sending,
)
from clarion.cli.channel_prices import prices
from clarion.cli.channel_words import only_written_words, rate_words, window_words
from clarion.cli.django_setup import uses_django
from clarion.cli.options import REPEATABLE, AsJson
from clarion.cli.output import print_facts, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.channels.models import Channel

HIDDEN = "•••"

app = App("Accounts that messages are sent through.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@app.command()
@uses_django
def kinds(as_json: AsJson = False) -> None:
    """List the kinds of channels and their settings."""
    from clarion.channels.registry import KINDS
    from clarion.channels.settings import config_fields

    listed: list[dict[str, Any]] = [
        {
            "kind": name,
            "label": kind.label,
            "summary": kind.summary,
            "rate": kind.limits.rate,
            "settings": [
                {
                    "name": field.name,
                    "required": field.required,
                    "secret": field.secret,
                    "default": None if field.secret else field.default,
                    "help": field.help,
                    "choices": list(field.choices),
                    "group": field.group,
                }
                for field in config_fields(name)
            ],
        }
        for name, kind in KINDS.items()
    ]
    if as_json:
        print_json(listed)
        return
    for kind in listed:
        print_line(f"{kind['kind']}  {kind['summary']}")
        group = ""
        for field in kind["settings"]:
            if field["group"] != group:
                group = field["group"]
                print_line(f"  {group}:")
            print_line(f"  {field['name']:<16} {_describe(field)}")
        print_line("")


def _describe(field: dict[str, Any]) -> str:
    usual = field["default"]
    need = "optional" if usual in (None, "") else f"default {_format(usual)}"
    need = "required" if field["required"] else need
    choices = f" One of {', '.join(field['choices'])}." if field["choices"] else ""
    return f"{need}{', secret' if field['secret'] else ''}.{choices} {field['help']}"


def _format(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@app.command("list")
@uses_django
def list_channels(as_json: AsJson = False) -> None:
    """List the channels, and what is wrong with them."""
    from clarion.channels.condition import condition
    from clarion.channels.models import Channel

    channels = Channel.objects.order_by("name")
    if as_json:
        print_json([_document(channel) for channel in channels])
    elif not channels:
        print_line(
            "There are no channels yet. Add one with: clarion channel add NAME --kind KIND "
            "--set KEY=VALUE"
        )
    else:
        print_table(
            ["NAME", "KIND", "STATE", "RATE", "ATTEMPTS", "BACKOFF", "SINCE", "UNTIL", "REASON"],
            [
                [
                    channel.name,
                    channel.kind,
                    condition(channel).state.value.replace("_", " "),
                    rate_words(channel.rate),
                    channel.attempts,
                    f"{channel.backoff:g} s",
                    condition(channel).since,
                    condition(channel).until,
                    condition(channel).reason,
                ]
                for channel in channels
            ],
        )


@app.command()
@uses_django
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a channel. Secrets are hidden."""
    from clarion.channels.manage import get_channel

    _show(get_channel(name), as_json)


@app.command(
    examples=[
        "clarion channel add orders --kind webhook --set url=https://shop.example.org/messages",
        "clarion channel add bot --kind KIND --set-file token=bot-token.txt",
        "clarion channel add slow --kind webhook --set url=https://example.org/hook --rate 5",
    ]
)
@uses_django
def add(
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND", help=f"One of: {', '.join(kind_names())}.", autocompletion=kind_names
        ),
    ],
    rate: Rate = None,
    attempts: Attempts = None,
    backoff: Backoff = None,
    only_written: OnlyWritten = None,
    settings: Settings = None,
    from_files: FromFiles = None,
    check: Check = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add a channel and check it. `clarion channel kinds` lists the settings of each kind."""
    from clarion.channels.manage import add_channel

    add = partial(
        add_channel,
        name=name,
        kind=kind,
        settings=chosen_settings(settings, from_files),
        **sending(rate, attempts, backoff),
        **demand(only_written),
        by=acting(),
    )
    channel = confirmed(add, yes=yes)
    if not as_json:
        print_line(f"Added the channel {channel.name}.")
    if check:
        _check(channel, as_json)
    if as_json:
        _show(channel, as_json)


def _check(channel: "Channel", as_json: bool) -> None:
    """Print what the provider answers. A bad answer is a warning: the channel is stored."""
    from clarion.channels.errors import ChannelError
    from clarion.channels.manage import check_channel

    try:
        answer = check_channel(channel)
    except ChannelError as error:
        print_note(f"The check failed: {error}")
    else:
        if not as_json:
            print_line(answer)


@app.command(
    examples=[
        "clarion channel edit orders --rate 20 --attempts 3",
        "clarion channel edit orders --default backoff",
        "clarion channel edit bot --only-written no",
    ]
)
@uses_django
def edit(
    name: Name,
    rate: Rate = None,
    attempts: Attempts = None,
    backoff: Backoff = None,
    follow: Annotated[
        list[Field] | None,
        typer.Option("--default", help=f"Use the default of the workspace again. {REPEATABLE}"),
    ] = None,
    only_written: OnlyWritten = None,
    settings: Settings = None,
    from_files: FromFiles = None,
    check: Check = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change a channel. Options that you leave out keep their values.

    With other settings it is checked.
    """
    from clarion.channels.limits import DEFAULT
    from clarion.channels.manage import get_channel, update_channel

    values = sending(rate, attempts, backoff)
    following = {str(field) for field in follow or []}
    if twice := sorted(values.keys() & following):
        raise typer.BadParameter("It has a value already.", param_hint=f"--default {twice[0]}")
    values |= dict.fromkeys(following, DEFAULT) | demand(only_written)
    pairs = chosen_settings(settings, from_files)
    if not values and not pairs:
        raise typer.BadParameter("Give at least one option that changes something.")
    change = partial(
        update_channel, get_channel(name), settings=pairs or None, **values, by=acting()
    )
    channel = confirmed(change, yes=yes)
    if not as_json:
        print_line(f"The channel {channel.name} is changed.")
    if check and pairs:
        _check(channel, as_json)
    if as_json:
        _show(channel, as_json)


@app.command()
@uses_django
def defaults(
    rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Messages a second, or none.")
    ] = None,
    attempts: Annotated[
        str | None, typer.Option(metavar="N", help="Attempts of one message in all, or none.")
    ] = None,
    backoff: Annotated[
        str | None,
        typer.Option(metavar="SECONDS", help="Seconds before the second attempt, or none."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or set the values of channels that have none of their own.

    none removes a default: then each kind's usual value applies.
    """
    from clarion.channels.defaults import FIELDS, default, set_defaults, workspace_defaults
    from clarion.channels.registry import KINDS

    chosen = {
        "rate": number("--rate", rate),
        "attempts": number("--attempts", attempts, whole=True),
        "backoff": number("--backoff", backoff),
    }
    if any(value is not ... for value in chosen.values()):
        before = workspace_defaults()
        set_defaults(
            **{n: getattr(before, n) if value is ... else value for n, value in chosen.items()},
            by=acting(),
        )
    workspace = workspace_defaults()
    kinds = {kind: asdict(default(kind)) for kind in KINDS}
    if as_json:
        print_json({"workspace": {n: getattr(workspace, n) for n in FIELDS}, "kinds": kinds})
        return
    print_table(
        ["KIND", "RATE", "ATTEMPTS", "BACKOFF"],
        [
            [kind, rate_words(values["rate"]), values["attempts"], f"{values['backoff']:g} s"]
            for kind, values in kinds.items()
        ],
    )


@app.command()
@uses_django
def check(name: Name) -> None:
    """Test the channel's credentials with the provider. Nothing is sent to anyone."""
    from clarion.channels.manage import check_channel, get_channel

    print_line(check_channel(get_channel(name)))


app.command()(dropped)
app.command(examples=["clarion channel prices shop --import rates.csv"])(prices)


@app.command()
@uses_django
def pause(name: Name) -> None:
    """Pause a channel. Messages stay queued until it is resumed."""
    from clarion.channels.manage import get_channel, pause_channel

    pause_channel(get_channel(name), reason="Paused on the command line.", by=acting())
    print_line(f"The channel {name} is paused.")


@app.command()
@uses_django
def resume(name: Name) -> None:
    """Resume a channel that is paused or waiting: send its messages now."""
    from clarion.channels.manage import get_channel, resume_channel

    resume_channel(get_channel(name), by=acting())
    print_line(f"The channel {name} is active.")


def _show(channel: "Channel", as_json: bool) -> None:
    document = _document(channel)
    if as_json:
        print_json(document)
        return
    settings, now = document.pop("settings"), document.pop("condition")
    del document["paused_reason"]  # the condition's reason, where that is what is wrong
    facts = {"name": channel.name, "kind": channel.kind}
    facts |= {name: value for name, value in now.items() if value}
    facts |= {name: value for name, value in document.items() if name not in facts}
    facts["rate"] = rate_words(channel.rate)
    facts["only_written"] = only_written_words(channel)
    facts["window_hours"] = window_words(channel)
    print_facts([(name.replace("_", " "), value) for name, value in facts.items()])
    for key, value in settings.items():
        print_line(f"  {key} = {_format(value)}")


def _document(channel: "Channel") -> dict[str, Any]:
    """A channel as it is shown: everything but its secrets."""
    from clarion.channels.condition import condition
    from clarion.channels.manage import stored_settings
    from clarion.channels.recipients import window_hours
    from clarion.channels.settings import config_fields

    secret = {field.name for field in config_fields(channel.kind) if field.secret}
    now = condition(channel)
    return {
        "name": channel.name,
        "kind": channel.kind,
        "state": channel.state,
        "paused_reason": channel.paused_reason,
        "condition": {
            "state": now.state.value,
            "reason": now.reason,
            "since": now.since,
            "until": now.until,
        },
        "checked_at": channel.checked_at,
        "check_result": channel.check_result,
        "rate": channel.rate,
        "attempts": channel.attempts,
        "backoff": channel.backoff,
        "own": [
            name for name in ("rate", "attempts", "backoff") if getattr(channel, f"own_{name}")
        ],
        "only_written": channel.only_written,
        "window_hours": window_hours(channel, "message"),
        "created_at": channel.created_at,
        "settings": {
            key: HIDDEN if key in secret and value else value
            for key, value in stored_settings(channel)[0].items()
        },
    }

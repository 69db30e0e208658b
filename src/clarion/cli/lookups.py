"""Finding what a command names. Whatever doesn't exist is one sentence that leads on."""

from typing import TYPE_CHECKING

from clarion.cli.failures import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion.accounts.models import Agent
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.models import Channel
    from clarion.contacts.models import Address, Contact


def find_broadcast(number: int) -> "Broadcast":
    """The broadcast of that number. Raises Failed when there is none."""
    from clarion.broadcasts import history
    from clarion.kit.numbers import is_id

    broadcast = history.visible().filter(pk=number).first() if is_id(number) else None
    if broadcast is None:
        raise Failed(f"There is no broadcast {number}. List them with: clarion broadcasts list")
    return broadcast


def find_address(channel_name: str, user: str) -> "Address":
    """The address of a user id on a channel. Raises Failed for one that is not known there."""
    from clarion.channels.contract import BadIdError
    from clarion.channels.manage import get_channel
    from clarion.channels.registry import id_reader
    from clarion.contacts.identities import find

    channel = get_channel(channel_name)
    try:
        value = id_reader(channel)(user)
    except BadIdError as error:
        raise Failed(f"“{user}” can't be a user id on {channel_name}: {error}.") from None
    address = find(channel, value)
    if address is None:
        raise Failed(
            f"No contact on {channel_name} has the user id “{user}”. "
            f"Import contacts with: clarion contacts import FILE --channel {channel_name}"
        )
    return address


def find_contact(name: str, *, first: "Iterable[Channel]" = ()) -> "Contact":
    """The contact of a user id on any channel, or of # and its own id. Raises Failed.

    ``first``: the channels to look on before the others.
    """
    from clarion.channels.models import Channel
    from clarion.contacts.identities import look_up
    from clarion.contacts.models import Contact
    from clarion.kit.numbers import parse_id

    if name.startswith("#"):
        number = parse_id(name[1:])
        contact = Contact.objects.filter(pk=number).first() if number else None
        if contact is None:
            raise Failed(f"There is no contact with the id {name[1:]}.")
        return contact
    own = list(first)
    others = Channel.objects.exclude(pk__in=[channel.pk for channel in own]).order_by("name")
    for channel in [*own, *others]:
        if match := look_up(channel, [name]).get(name):
            return Contact.objects.get(pk=match.contact)
    raise Failed(f"No contact has the user id “{name}”. To name a contact by its id, write '#17'.")


def find_agent(email: str, *, inactive: bool = False) -> "Agent":
    """The agent who logs in with that e-mail address, else the one with that name. Raises Failed.

    Agents choose their names: one that is another agent's address must not stand for that agent.
    `inactive`: agents who can't log in are found too.
    """
    from clarion.accounts.models import Agent

    name = email.strip()
    agent = Agent.objects.filter(email=name.lower()).first()
    if agent is None:
        agent = Agent.objects.filter(name__iexact=name).order_by("pk").first()
    if agent is None or not (inactive or agent.is_active):
        raise Failed(
            f"There is no agent with the name or e-mail address {email}. "
            "Add one with: clarion agent add"
        )
    return agent

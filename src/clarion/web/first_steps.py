"""The steps from an empty installation to the first broadcast."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from clarion.accounts.models import Agent, Role
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to do and why, whether it is done, and whether it is the next one.

    ``may``: whether this agent may do it; ``ask`` is shown to those who may not.
    """

    title: str
    text: str
    ask: str
    action: str
    url: str
    done: bool
    may: bool
    is_next: bool


def first_steps(agent: Agent) -> list[Step]:
    """The four steps in their order; the first that is not done is the next."""
    manager, sender = agent.may(Role.MANAGER), agent.may(Role.SENDER)
    ask_manager = _("Ask a manager or an admin to do this.")
    ask_sender = _("Ask a sender, a manager or an admin to do this.")
    # Agents' replies are singles too. Who has replied to someone has seen a message arrive.
    tested = Broadcast.objects.filter(type=Broadcast.Type.SINGLE, agent__isnull=False).exists()
    steps = [
        (
            _("Add a channel"),
            _("The account that your messages are sent from."),
            ask_manager,
            _("Add a channel"),
            reverse("channel_add"),
            Channel.objects.exists(),
            manager,
        ),
        (
            _("Import contacts"),
            _("From a CSV file. People who write to a channel are added automatically."),
            ask_manager,
            _("Import contacts"),
            reverse("contact_import"),
            Address.objects.exists(),
            manager,
        ),
        (
            _("Send yourself a test"),
            _("Write a message and send it to your own address before anyone else gets it."),
            ask_sender,
            _("Write a message"),
            reverse("broadcast_new"),
            tested,
            sender,
        ),
        (
            _("Send the broadcast"),
            _("You can undo it for a short time after you press Send."),
            ask_sender,
            _("New broadcast"),
            reverse("broadcast_new"),
            False,
            sender,
        ),
    ]
    first = next(number for number, step in enumerate(steps) if not step[5])
    return [Step(*step, is_next=number == first) for number, step in enumerate(steps)]

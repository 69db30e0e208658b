"""What an answer of the Cloud API means that brought no message id."""

from collections.abc import Iterable

from clarion.channels.contract import Refused
from clarion.channels.graph import errors as graph
from clarion.channels.whatsapp.errors import BAD_TOKEN, meaning_of
from clarion.transport.messages import HttpReply


def refused(reply: HttpReply, secrets: Iterable[str]) -> Refused:
    """What a reply means that brought no message id. Never raises."""
    return graph.refused(reply, secrets, "WhatsApp", meaning_of, BAD_TOKEN.sentence)

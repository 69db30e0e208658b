"""Chats and what was said in them."""

from django.db import models

from clarion.accounts.models import Agent
from clarion.contacts.models import Address
from clarion.kit import clock
from clarion.kit.fields import InstantField


class Chat(models.Model):
    """The conversation with a contact on one channel; its number is the address's id."""

    class State(models.TextChoices):
        """Who answers."""

        BOT = "bot", "With the bot"
        OPEN = "open", "Open with an agent"
        CLOSED = "closed", "Closed"

    address = models.OneToOneField(
        Address, primary_key=True, on_delete=models.CASCADE, related_name="chat"
    )
    state = models.CharField(max_length=10, choices=State, default=State.BOT)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    opened_at = InstantField(null=True)
    # When something was last said either way; before that, when an agent opened it.
    last_message_at = InstantField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-last_message_at", "-address"], name="chat_state"),
            models.Index(fields=["-last_message_at", "-address"], name="chat_newest"),
        ]

    def __str__(self) -> str:
        return f"chat {self.pk}"


class Message(models.Model):
    """One thing said in a chat, other than by a broadcast (those are records).

    What is not ``inbound`` and has no agent is a note: what happened to the chat.
    """

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    inbound = models.BooleanField()
    text = models.TextField(default="", blank=True)
    payload = models.JSONField(default=dict)
    external_id = models.CharField(max_length=200, null=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    at = InstantField(default=clock.now)

    class Meta:
        constraints = [  # a provider's callback may come twice
            models.UniqueConstraint(fields=["chat", "external_id"], name="message_once")
        ]
        indexes = [models.Index(fields=["chat", "at"], name="message_chat_at")]

    def __str__(self) -> str:
        return self.text[:50]

"""Agents, API tokens, saved filters and the audit log."""

import json
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from clarion.kit import clock
from clarion.kit.fields import InstantField, SecretJSONField


class Role(models.TextChoices):
    """What an agent may do; each role includes the ones before it."""

    VIEWER = "viewer", "Viewer"
    SENDER = "sender", "Sender"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


class AgentManager(BaseUserManager["Agent"]):
    """Makes agents; e-mail addresses are kept in lower case."""

    def create_agent(self, *, name: str, email: str, role: str, password: str | None) -> "Agent":
        """Store a new agent. Raises IntegrityError when the e-mail is taken."""
        agent = self.model(name=name, email=email.lower(), role=role)
        agent.set_password(password)
        agent.save(using=self._db)
        return agent


class Agent(AbstractBaseUser):
    """A person who logs in to Clarion."""

    name = models.CharField(max_length=200)
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    created_at = InstantField(default=clock.now)

    objects: ClassVar[AgentManager] = AgentManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    def may(self, role: str) -> bool:
        """Whether this agent's role includes ``role``."""
        ranks: list[str] = list(Role.values)
        return self.is_active and ranks.index(self.role) >= ranks.index(role)

    @property
    def state(self) -> str:
        """active; invited or reset until a password is set; deactivated."""
        if not self.is_active:
            return "deactivated"
        if self.has_usable_password():
            return "active"
        return "reset" if self.last_login else "invited"

    def get_username(self) -> str:
        """The e-mail address, which is what one logs in with."""
        return self.email


class AgentSession(AbstractBaseSession):
    """A browser in which an agent is logged in; or in which somebody is about to, without agent."""

    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="sessions")
    address = models.CharField(max_length=45)
    browser = models.CharField(max_length=200)
    began_at = InstantField(null=True)
    seen_at = InstantField(null=True)

    def __str__(self) -> str:
        return f"session of {self.agent_id}"


class AuthenticatorApp(models.Model):
    """The app whose codes an agent types at login; see second_factor."""

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="app")
    secret = SecretJSONField()  # {"base32": …}
    last_step = models.BigIntegerField()  # of the code that was used last
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return f"app of {self.agent_id}"


class Passkey(models.Model):
    """A passkey or security key that an agent uses at login; see passkeys."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=80)
    credential_id = models.TextField(unique=True)  # in base 64, as the following
    credential = models.TextField()  # its id and public key
    counter = models.BigIntegerField()  # how often it was used, as it says; 0 if it does not count
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """A code for an agent without app or passkey. Using it deletes it."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)  # SHA-256

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "digest"], name="accounts_recoverycode_once")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.agent_id}"


class AccessRules(models.Model):
    """What the workspace asks of agents; one row."""

    ONLY = 1

    two_factor_roles = models.JSONField(default=list)  # who needs a second factor

    def __str__(self) -> str:
        return ", ".join(self.two_factor_roles)


class ApiToken(models.Model):
    """What a program logs in with. Its secret is stored as a hash."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8, unique=True)  # shown, so that people tell them apart
    digest = models.CharField(max_length=64)  # SHA-256 of the secret
    scopes = models.JSONField(default=list)  # names in accounts.scopes
    requests_per_minute = models.IntegerField(null=True)  # None: the setting
    created_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    created_at = InstantField(default=clock.now)
    expires_at = InstantField(null=True)
    last_used_at = InstantField(null=True)  # to about a minute
    revoked_at = InstantField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= clock.now()


class RequestCount(models.Model):
    """How many requests of a token are used or reserved in one minute; see request_limits."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_index=False)
    minute = models.BigIntegerField(db_index=True)  # since 1970
    used = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "minute"], name="accounts_requestcount_once")
        ]

    def __str__(self) -> str:
        return f"{self.used} in minute {self.minute}"


class StoredAnswer(models.Model):
    """The answer to a request with an `Idempotency-Key`; see idempotency."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_index=False)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)  # SHA-256 of method, address and body
    status = models.IntegerField()  # 0 until it is answered
    headers = models.JSONField(default=dict)
    body = models.TextField()  # encrypted
    created_at = InstantField(default=clock.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="accounts_storedanswer_once")
        ]

    def __str__(self) -> str:
        return self.key


class CacheEntry(models.Model):
    """What web processes share for a while: failed log-ins. Django's database cache fills it."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "cache entries"

    def __str__(self) -> str:
        return self.cache_key


class AuditEntry(models.Model):
    """One change that someone made. Entries are only ever added."""

    at = InstantField(default=clock.now, db_index=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    actor = models.CharField(max_length=200)  # an agent's name, "command line", "API token …"
    action = models.CharField(max_length=80)  # e.g. "broadcast.stop"
    subject = models.CharField(max_length=40)  # e.g. "broadcast 17"
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["subject", "at"], name="audit_subject"),
            models.Index(fields=["actor", "at"], name="audit_actor"),
            models.Index(fields=["action", "at"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"

    @property
    def detail_text(self) -> str:
        """The details on one line."""
        pairs = ((name, value) for name, value in self.detail.items() if value not in ("", None))
        return ", ".join(f"{name}: {_plain(value)}" for name, value in pairs)


def _plain(value: Any) -> str:
    """A detail of an entry for people."""
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


class SavedFilter(models.Model):
    """The conditions of a list under a name: of one agent, or of everybody."""

    class List(models.TextChoices):
        """The lists that have saved filters."""

        RECORDS = "records", "Records"
        CLICKS = "clicks", "Clicks"
        LOGS = "logs", "Logs"
        CONTACTS = "contacts", "Contacts"
        BROADCASTS = "broadcasts", "Broadcasts"

    agent = models.ForeignKey(  # None: a program or the command line saved it
        Agent, null=True, on_delete=models.CASCADE, related_name="saved_filters"
    )
    list = models.CharField(max_length=12, choices=List)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2_000)  # as in the address of the list
    is_shared = models.BooleanField(default=False)  # everybody sees it
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class DefaultFilter(models.Model):
    """With which saved filter a list opens from the navigation, for one agent."""

    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="default_filters", db_index=False
    )
    list = models.CharField(max_length=12, choices=SavedFilter.List)
    filter = models.ForeignKey(SavedFilter, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "list"], name="accounts_defaultfilter_once")
        ]

    def __str__(self) -> str:
        return f"{self.filter_id} for {self.agent_id}"

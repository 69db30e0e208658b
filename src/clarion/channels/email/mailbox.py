"""Fetching what is new in the mailbox of bounces.

The cursor is “UIDVALIDITY:UID”, up to which UID all is stored. The first look reads nothing: what
lies there may be years old. Of a folder that the server has numbered anew the last days are read
again, which changes nothing where it was read before.
"""

from datetime import datetime, timedelta
from typing import Final

from clarion.channels.abilities import Fetched, FetchRefused
from clarion.channels.contract import Reply, Request
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.returned import is_report
from clarion.channels.wording import tidy
from clarion.kit import clock
from clarion.transport.messages import ImapReply, ImapRequest

_AFTER_REFUSAL: Final = 300.0  # seconds; servers lock out who logs in with a wrong password often
_AT_ONCE: Final = 100  # messages of one request, each of which logs in
_AGAIN: Final = timedelta(days=3)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"  # whatever the language here


class Mailbox:
    """The mailbox of one channel."""

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._secrets = (config.bounce_password.get_secret_value(), config.bounce_username)

    @property
    def is_read(self) -> bool:
        """Whether the channel has one."""
        return bool(self._config.bounce_host)

    def fetch(self, cursor: str) -> ImapRequest:
        """The request for what came in after ``cursor``."""
        validity, after = _place(cursor)
        return self._request(validity, after)

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """What the reply has. Raises FetchRefused with a sentence for a refusal."""
        imap = self._done(reply)
        request: tuple[Request, ...] = ()
        if self._config.bounce_delete:
            uids = tuple(uid for uid, content in imap.messages if is_report(content))
            request = (self._request(imap.validity, 0, delete=uids),) if uids else ()
        return Fetched(
            tuple(content for _, content in imap.messages),
            f"{imap.validity}:{imap.last}",
            request,
            0.0 if imap.more else float(self._config.bounce_interval),
        )

    def checked(self, reply: Reply) -> str:
        """That bounces can be read. Raises ValueError with what the server says instead."""
        self._done(reply)
        return f"The mailbox for bounces can be read (folder {self._config.bounce_folder})."

    def _done(self, reply: Reply) -> ImapReply:
        if not isinstance(reply, ImapReply):
            raise FetchRefused("The mailbox server's answer can't be understood.", _AFTER_REFUSAL)
        if reply.stage == "done" and reply.validity:
            return reply
        words = tidy(reply.text, self._secrets)
        tail = f": {words}" if words else ""
        raise FetchRefused(
            {
                "connect": f"The mailbox server refuses our connections{tail}.",
                "login": "The mailbox server refused the login. Check the mailbox user name and "
                f"password of this channel{tail}.",
                "folder": f"The folder “{self._config.bounce_folder}” of the mailbox can't be "
                f"opened. Check its name{tail}.",
                "read": f"The mailbox can't be read{tail}.",
                "done": "The mailbox server does not number its messages (UIDVALIDITY), so "
                "Clarion can't read this folder. Use another folder or server.",
            }[reply.stage],
            _AFTER_REFUSAL,
        )

    def _request(self, validity: int, after: int, *, delete: tuple[int, ...] = ()) -> ImapRequest:
        config = self._config
        return ImapRequest(
            host=config.bounce_host,
            port=config.bounce_port,
            security=config.bounce_security,
            username=config.bounce_username,
            password=config.bounce_password.get_secret_value(),
            folder=config.bounce_folder,
            validity=validity,
            after=after,
            since=_day(clock.now() - _AGAIN),
            most=_AT_ONCE,
            delete=delete,
        )


def _day(moment: datetime) -> str:
    """A date as IMAP writes it (RFC 3501 9)."""
    return f"{moment.day}-{_MONTHS[3 * moment.month - 3 : 3 * moment.month]}-{moment.year}"


def _place(cursor: str) -> tuple[int, int]:
    validity, _, after = cursor.partition(":")
    return (int(validity), int(after)) if validity.isdigit() and after.isdigit() else (0, 0)

"""Fetching what is new in the mailbox of bounces.

The cursor is “UIDVALIDITY:UID:FOLDER”, up to which UID all is stored, and which folder of which
mailbox that is: many have the same UIDVALIDITY, such as 1. The first look reads nothing: what
lies there may be years old. Of a folder that the server has numbered anew, and of another one, the
last days are read again, which changes nothing where it was read before.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from clarion.channels.abilities import Fetched, FetchRefused
from clarion.channels.contract import Reply, Request
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.outcomes import CHECK_APP
from clarion.channels.email.returned import is_report
from clarion.channels.wording import tidy
from clarion.kit import clock
from clarion.transport.messages import ImapReply, ImapRequest

_AFTER_REFUSAL: Final = 300.0  # seconds; servers lock out who logs in with a wrong password often
_AT_ONCE: Final = 100  # messages of one request, each of which logs in
_AGAIN: Final = timedelta(days=3)
_OTHER: Final = -1  # as UIDVALIDITY, which no folder has
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"  # whatever the language here


class Mailbox:
    """The mailbox of one channel."""

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._secrets = (
            config.bounce_password.get_secret_value(),
            config.bounce_username,
            config.oauth_client_secret.get_secret_value(),
            config.oauth_refresh_token.get_secret_value(),
        )

    @property
    def is_read(self) -> bool:
        """Whether the channel has one."""
        return bool(self._config.bounce_host)

    @property
    def place(self) -> tuple[str, ...]:
        """The server, the user name and the folder; empty where no mailbox is read."""
        config = self._config
        if not config.bounce_host:
            return ()
        return config.bounce_host.lower(), config.bounce_username, config.bounce_folder

    def fetch(self, cursor: str) -> ImapRequest:
        """The request for what came in after ``cursor``."""
        validity, after, folder = _place(cursor)
        if folder not in ("", self._folder):
            return self._request(_OTHER, 0)
        return self._request(validity, after)

    @property
    def _folder(self) -> str:
        """What tells this folder from those of other mailboxes."""
        return hashlib.sha256("\0".join(self.place).encode()).hexdigest()[:12]

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """What the reply has. Raises FetchRefused with a sentence for a refusal."""
        imap = self._done(reply)
        request: tuple[Request, ...] = ()
        if self._config.bounce_delete:
            uids = tuple(uid for uid, content in imap.messages if is_report(content))
            request = (self._request(imap.validity, 0, delete=uids),) if uids else ()
        return Fetched(
            tuple(content for _, content in imap.messages),
            f"{imap.validity}:{imap.last}:{self._folder}",
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
                "login": f"The mailbox server refused the access token{tail}. {CHECK_APP}"
                if self._config.mailbox_oauth
                else "The mailbox server refused the login. Check the mailbox user name and "
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
            oauth=config.mailbox_oauth,
        )


def _day(moment: datetime) -> str:
    """A date as IMAP writes it (RFC 3501 9)."""
    return f"{moment.day}-{_MONTHS[3 * moment.month - 3 : 3 * moment.month]}-{moment.year}"


def _place(cursor: str) -> tuple[int, int, str]:
    validity, _, rest = cursor.partition(":")
    after, _, folder = rest.partition(":")
    if validity.isdigit() and after.isdigit():
        return int(validity), int(after), folder
    return 0, 0, ""

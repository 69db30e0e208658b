"""The two ways in which sending can end without a reply."""

import errno
import socket
import ssl
from typing import Self

_PLAIN = {
    errno.ECONNREFUSED: "nothing accepts connections there",
    errno.ECONNRESET: "the other side reset the connection",
    errno.ECONNABORTED: "the connection was aborted",
    errno.EPIPE: "the other side closed the connection",
    errno.EHOSTUNREACH: "the host can't be reached",
    errno.ENETUNREACH: "the network can't be reached",
    errno.ETIMEDOUT: "no answer",
    errno.EMFILE: "this process has too many open files",
}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


class TransportError(Exception):
    """No reply. `reason` is plain words: no secret, no host or port, no body.

    It is shown to everybody who sends, and a host may be one of an internal network. The sentence
    has {server} where it speaks of that; `named` is the same for those who may know the address.
    """

    def __init__(self, sentence: str, server: str = "") -> None:
        nobody = "The server" if sentence.startswith("{server}") else "the server"
        self.reason = sentence.replace("{server}", nobody)
        self.named = sentence.replace("{server}", server or nobody)
        self._made_of = (sentence, server)
        super().__init__(self.reason)

    def again(self) -> Self:
        """The same error for somebody else: one that was raised carries where that was."""
        return type(self)(*self._made_of)


class NotSent(TransportError):  # noqa: N818 - the name is the fact that the engine acts on
    """The other side certainly did not take the request; sending it again doubles nothing."""


class Unavailable(NotSent):
    """The server takes nothing from this account at the moment, whoever the message is for."""


class WrongSettings(NotSent):
    """It can't work with these settings: trying again changes nothing, other settings do."""


class NotAllowed(WrongSettings):
    """An address that may not be reached from here."""


class CantReceive(NotSent):
    """This recipient can't be served by this server: other recipients are not concerned."""


class MaybeSent(TransportError):  # noqa: N818 - the name is the fact that the engine acts on
    """The request may have reached the other side; sending it again may double it."""


def not_connected(sentence: str, server: str, problem: BaseException) -> NotSent:
    """The error for a connection that could not be opened or secured, because of ``problem``.

    A certificate that nobody vouches for, and a server that speaks no TLS on this port, stay what
    they are until somebody changes them; all else may be over in a moment.
    """
    speaks_no_tls = isinstance(problem, ssl.SSLError) and problem.reason in _NO_TLS
    if speaks_no_tls or isinstance(problem, ssl.SSLCertVerificationError):
        return WrongSettings(sentence, server)
    return Unavailable(sentence, server)


def describe(problem: BaseException) -> str:
    """Say in plain words what an operating system, resolver or TLS error means.

    Only known texts are used: the text of an unknown exception could carry an address or a secret.
    """
    if isinstance(problem, ssl.SSLCertVerificationError):
        why = problem.verify_message.partition(", certificate is not valid for ")[0]
        return f"its TLS certificate is not trusted ({why})"
    if isinstance(problem, ssl.SSLError):
        return f"the TLS handshake failed ({problem.reason or 'no reason given'})"
    if isinstance(problem, socket.gaierror):
        return "the host name is not known to the DNS"
    if isinstance(problem, OSError) and problem.errno in _PLAIN:
        return _PLAIN[problem.errno]
    if isinstance(problem, TimeoutError):
        return "no answer"
    if isinstance(problem, ConnectionError):
        return "the other side closed the connection"
    if isinstance(problem, UnicodeError):
        return "the host name is not a valid one"
    return f"the connection failed ({type(problem).__name__})"

"""Which problem an exception of a package is: the packages' texts are written for people."""

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest
from ninja.errors import HttpError, ValidationError

from clarion.accounts.idempotency import KeyReusedError
from clarion.api.problems import FieldError, Problem
from clarion.broadcasts.errors import (
    AlreadySent,
    ApprovalError,
    ApprovalNeeded,
    ControlError,
    EditConflict,
    NotLive,
    OptedOut,
    TooOften,
)
from clarion.channels.errors import SettingsError
from clarion.chats.control import ChatError
from clarion.contacts.editing import EditError
from clarion.content.errors import Fault, StoryError
from clarion.kit.paging import CursorError
from clarion.kit.vault import SealedError

_BUSY = {"Retry-After": "5"}
# What another state, or another moment, would allow.
_CONFLICTS = (
    AlreadySent,
    ApprovalError,
    ApprovalNeeded,
    ChatError,
    ControlError,
    EditConflict,
    NotLive,
    OptedOut,
)
log = structlog.get_logger()


def problem_of(error: Exception, request: HttpRequest) -> Problem:
    """The problem to answer with; what nobody expected is logged and answered with 500."""
    match error:
        case Problem():
            return error
        case ValidationError():
            return _invalid(error)
        case KeyReusedError():
            return Problem("key_reused", str(error))
        case CursorError():
            text = "This cursor is not of this list. Start again without one."
            return Problem("invalid_request", text, [FieldError("cursor", "query", text)])
        case Http404():
            return Problem("not_found", "There is nothing at this address.")
        case RequestDataTooBig() | TooManyFilesSent():
            return Problem("too_large", "The body has too many parts.")
        case TooOften():
            wait = {"Retry-After": str(error.retry_after)}
            return Problem("too_many_requests", str(error), headers=wait)
        case HttpError(status_code=400):
            return Problem("invalid_json", "The body can't be read. Send valid JSON in UTF-8.")
        case OperationalError():
            log.warning("api_database", path=request.path, error=str(error))
            return Problem("busy", "The database is busy. Try again.", headers=_BUSY)
    of_a_package = isinstance(error, ValueError) and type(error).__module__.startswith("clarion.")
    if of_a_package or isinstance(error, SealedError):
        return _refused(error)
    log.error("api_failed", path=request.path, method=request.method, exc_info=error)
    if isinstance(error, DatabaseError):
        return Problem("server_error", "The database refused this. The server's log shows why.")
    return Problem("server_error", "The error is in the server's log.")


def _refused(error: Exception) -> Problem:
    """A refusal of a package, with the fields that its exception names."""
    code = "conflict" if isinstance(error, _CONFLICTS) else "refused"
    return Problem(code, str(error), _fields_of(error))


def _fields_of(error: Exception) -> list[FieldError]:
    if isinstance(error, SettingsError):
        named = {
            f"settings.{name}" if name else "settings": text for name, text in error.fields.items()
        }
    elif isinstance(error, StoryError):
        named = {_place(fault): fault.sentence for fault in error.faults}
    elif isinstance(error, EditError):
        named = error.problems
    else:
        field = getattr(error, "field", "")
        named = {field: str(error)} if isinstance(field, str) and field else {}
    return [FieldError(name, "body", text) for name, text in named.items() if name]


def _place(fault: Fault) -> str:
    """Where a fault of a story is in the body, such as blocks.0.text."""
    if not fault.block:
        return fault.field
    return ".".join(filter(None, ("blocks", str(fault.block - 1), fault.field)))


def _invalid(error: ValidationError) -> Problem:
    errors = [
        FieldError(
            ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]),
            fault["loc"][0],
            fault["msg"],
        )
        for fault in error.errors
    ]
    first = errors[0]
    return Problem("invalid_request", f"{first.field}: {first.detail}", errors)

"""How a function becomes an operation: transaction, idempotency, serialisation, headers.

A function takes the request and its parameters and returns a model of ``types``, Created, or None.
Everything that changes something runs in one transaction, so a request is carried out whole or not.
"""

import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, Final, TypeVar

from django.db import transaction
from django.http import HttpResponse
from ninja import Router

from clarion.accounts import idempotency
from clarion.api.answers import (
    KEY_HEADER,
    Rules,
    answer_of,
    checked_key,
    digest_of,
    kept_of,
    replayed,
)
from clarion.api.guard import ApiRequest, Bearer
from clarion.api.together import Task, Together, carried_out_or_left

View = TypeVar("View", bound=Callable[..., Any])
router: Final = Router()  # one for all: what has the same path must be in the same router
_NUMBER: Final = re.compile(r"{(\w+_id)}")


def operation(
    area: str,
    method: str,
    path: str,
    returns: Any,
    rules: Rules,
    *,
    status: int = 0,
    transact: bool = True,
    prepare: Callable[..., Any] | None = None,
    together: Together | None = None,
) -> Callable[[View], View]:
    """Register a function as an operation of an area of the documentation.

    `returns`: the type of its answer, None for none. `status`: 0 for the usual one of the method.
    `transact`: False for what waits for another server, which must not hold the database.
    `prepare`: called with the same parameters before the transaction, for what takes long; the
    function finds its result as ``request.prepared``. Not for a request whose answer is kept.
    `together`: carries out what the function has returned, of several requests (see ``together``).
    """
    status = status or (204 if returns is None else 200)

    def register(view: View) -> View:
        def carried_out(request: ApiRequest, **parameters: Any) -> HttpResponse:
            if method == "GET":
                return answer_of(request, view(request, **parameters), rules, status)
            if together is not None:
                return carried_out_or_left(Task(request, parameters, view, together, rules, status))
            key = request.headers.get(KEY_HEADER) if rules.repeatable else None
            if prepare is not None:
                kept = key is not None and idempotency.is_kept(request.auth, key)
                request.prepared = None if kept else prepare(request, **parameters)
            with transaction.atomic() if transact or key is not None else nullcontext():
                if key is None:
                    return answer_of(request, view(request, **parameters), rules, status)
                stored = idempotency.claim(request.auth, checked_key(key), digest_of(request))
                if stored.status:
                    return replayed(stored)
                answer = answer_of(request, view(request, **parameters), rules, status)
                idempotency.keep_all([(stored, *kept_of(answer))])
                return answer

        wrapped = wraps(view)(carried_out)
        summary, _, description = (view.__doc__ or "").strip().partition("\n")
        wrapped.__doc__ = ""  # ninja would repeat it where there is no description
        router.api_operation(
            [method],
            _NUMBER.sub(r"{int:\1}", path),
            tags=[area],
            auth=Bearer(rules.scope, rules.body),
            response={status: returns},
            operation_id=view.__name__,
            summary=summary.rstrip("."),
            description=" ".join(description.split()),
            openapi_extra={"x-rules": rules},
        )(wrapped)
        return view

    return register

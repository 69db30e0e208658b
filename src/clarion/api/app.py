"""The API as ninja serves it: its routers, and how parameters and errors are read."""

from functools import cache
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.parser import Parser

from clarion import __version__
from clarion.api import problems
from clarion.api.bodies import PREFIX
from clarion.api.document import completed
from clarion.api.guard import check_values
from clarion.api.refusals import problem_of
from clarion.kit.sentences import problems as sentences

DESCRIPTION = (
    "Everything that the pages of Clarion can do, for programs. Log in with an API token. Errors "
    "are problem details (RFC 9457). Lists have pages: pass `next` as `cursor`. Times are ISO 8601 "
    "with a time zone."
)


class _Parser(Parser):
    """Takes the body from the guard, which has parsed it, and looks at the query."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.parsed  # type: ignore[attr-defined]

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        parsed = super().parse_querydict(data, list_fields, request)
        check_values(parsed, "query")
        return parsed


class Api(NinjaAPI):
    """NinjaAPI with our errors and a complete document."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """The OpenAPI document, with all answers that an operation may give."""
        return completed(super().get_openapi_schema(**options))

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        """What is wrong with the parameters, in sentences."""
        return ValidationError(
            [
                {"loc": (context.model.__ninja_param_source__, *_path(problem.path)),
                 "msg": problem.sentence}
                for context in error_contexts
                for problem in sentences(context.pydantic_validation_error)
            ]
        )  # fmt: skip

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Every failure as a problem."""
        return problems.response(problem_of(exc, request))


def _path(path: tuple[str, ...]) -> tuple[str, ...]:
    """Without the name of the parameter that takes the whole body or query."""
    return path[1:] if path and path[0] in {"body", "filters"} else path


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    import_module("clarion.api.urls")  # it registers the operations
    schema: dict[str, Any] = api.get_openapi_schema(path_prefix=f"{PREFIX}v1/")
    return schema


api = Api(
    title="Clarion API",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api",
    parser=_Parser(),
    openapi_url=None,
    docs_url=None,
)

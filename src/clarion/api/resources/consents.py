"""Consents: permissions that contacts give."""

from typing import ClassVar

from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.consents import grants, manage
from clarion.consents.manage import LONGEST_NAME, LONGEST_TEXT
from clarion.consents.models import Consent

AREA = "Consents"
_READ = "consents:read"
_WRITE = "consents:write"


class ConsentIn(Input):
    """A consent as it is defined."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    category: str = Field("", max_length=LONGEST_NAME)
    text: str = Field("", max_length=LONGEST_TEXT, description="The exact text contacts agree to")


class ConsentPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    category: str | None = Field(None, max_length=LONGEST_NAME)
    text: str | None = Field(None, max_length=LONGEST_TEXT)


class ConsentOut(Output):
    """A consent, and how many contacts have given or withdrawn it."""

    volatile: ClassVar[frozenset[str]] = frozenset({"given", "withdrawn"})
    id: Id
    name: str
    category: str
    text: str
    created_at: Moment
    given: int
    withdrawn: int


@operation(AREA, "GET", "/consents", Page[ConsentOut], Rules(_READ, paged=True))
def list_consents(request: ApiRequest, limit: Limit = 50, cursor: CursorText = "") -> object:
    """List consents"""
    counts = grants.counts()
    return page_of(Consent.objects.all(), limit, cursor, lambda one: _shown(one, counts))


@operation(
    AREA, "POST", "/consents", ConsentOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_consent(request: ApiRequest, body: ConsentIn) -> Created:
    """Create a consent"""
    consent = manage.define(**body.model_dump(), by=request.by)
    return Created(_shown(consent, {}), f"/api/v1/consents/{consent.pk}")


@operation(AREA, "GET", "/consents/{consent_id}", ConsentOut, Rules(_READ, tagged=True))
def get_consent(request: ApiRequest, consent_id: Id) -> ConsentOut:
    """Get a consent"""
    return _shown(get(Consent.objects.all(), consent_id, "consent"), grants.counts())


@operation(
    AREA, "PATCH", "/consents/{consent_id}", ConsentOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_consent(request: ApiRequest, consent_id: Id, body: ConsentPatch) -> ConsentOut:
    """Change a consent"""
    consent = lock(Consent.objects.all(), consent_id, "consent")
    require_match(request, _shown(consent, {}))
    manage.update(consent, **body.model_dump(exclude_unset=True), by=request.by)
    return _shown(consent, grants.counts())


@operation(AREA, "DELETE", "/consents/{consent_id}", None, Rules(_WRITE, edits=True))
def delete_consent(request: ApiRequest, consent_id: Id) -> None:
    """Delete a consent and the history of who gave it

    Refused while a broadcast requires it. This can't be undone.
    """
    consent = lock(Consent.objects.all(), consent_id, "consent")
    require_match(request, _shown(consent, {}))
    manage.remove(consent, by=request.by)


def _shown(consent: Consent, counts: dict[int, grants.Count]) -> ConsentOut:
    count = counts.get(consent.pk, grants.Count())
    return ConsentOut(
        id=consent.pk,
        name=consent.name,
        category=consent.category,
        text=consent.text,
        created_at=consent.created_at,
        given=count.given,
        withdrawn=count.withdrawn,
    )

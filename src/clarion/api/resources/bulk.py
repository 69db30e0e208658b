"""Bulk actions: one change to many contacts, done by a worker."""

from typing import Literal

from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import chosen, get
from clarion.api.operations import operation
from clarion.api.problems import FieldError, Problem
from clarion.api.resources.contacts import Comparison
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.bulk import actions, acts
from clarion.bulk.acts import LONGEST_PROOF
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import MOST_IDS, Selection
from clarion.channels.models import Channel
from clarion.consents.models import Change, Consent
from clarion.contacts.attribute_filters import AttributeFilter
from clarion.contacts.models import Tag

AREA = "Bulk actions"
_READ, _WRITE = "contacts:read", "contacts:write"


class AttributeConditionIn(Input):
    """A condition on an attribute, as in the list of contacts."""

    attribute: str = Field(min_length=1, max_length=100)
    comparison: Comparison = "equals"
    value: str = Field("", max_length=1000)


class SelectionIn(Input):
    """Whom it is about: these contacts, or all that match the filters. No filter is everybody."""

    contact_ids: list[Id] | None = Field(None, min_length=1, max_length=MOST_IDS)
    q: str = Field("", max_length=200, description="Name, user id or contact id")
    channel_id: Id | None = None
    tag: str = Field("", max_length=100)
    attributes: list[AttributeConditionIn] = Field(default_factory=list, max_length=20)

    def selection(self) -> Selection:
        """As the package takes it. Raises Problem, BulkError and ConditionError."""
        if self.contact_ids is not None:
            if self.q or self.channel_id or self.tag or self.attributes:
                text = "Send contact_ids or filters, not both."
                raise Problem("invalid_request", text, [FieldError("contact_ids", "body", text)])
            return Selection.of_ids(self.contact_ids)
        channel = chosen(Channel.objects.all(), self.channel_id, "contacts.channel_id")
        tag = Tag.objects.filter(name=self.tag.strip()).first() if self.tag else None
        if self.tag and tag is None:
            text = f"There is no tag called “{self.tag}”."
            raise Problem("invalid_request", text, [FieldError("contacts.tag", "body", text)])
        return Selection(
            None,
            self.q.strip(),
            channel.pk if channel else None,
            tag.pk if tag else None,
            tuple(
                AttributeFilter.made(each.attribute, each.comparison, each.value)
                for each in self.attributes
            ),
        )


class BulkIn(Input):
    """What to do to the contacts."""

    action: Literal["tag", "untag", "delete"]
    contacts: SelectionIn
    tags: list[str] = Field(default_factory=list, max_length=100, description="To add or to remove")
    suppress: bool = Field(
        True, description="Of delete: keep their user ids on the suppression list"
    )
    expected: int | None = Field(
        None, ge=1, description="How many contacts these are; delete needs it, others may check it"
    )


class BulkConsentIn(Input):
    """Whether the contacts have given or withdrawn the consent, and what proves it."""

    given: bool
    contacts: SelectionIn
    proof: str = Field(min_length=1, max_length=LONGEST_PROOF)
    expected: int | None = Field(None, ge=1, description="How many contacts these are, to check it")


class RefusalOut(Output):
    """Why contacts were refused."""

    reason: str
    count: int
    contact_ids: list[Id] = Field(description="The first of them")


class BulkOut(Output):
    """A bulk action: changed + unchanged + refused = done."""

    id: Id
    action: Literal[
        "tag", "untag", "give", "withdraw", "delete", "merge_tag", "delete_tag", "suppress"
    ]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    total: int = Field(description="Contacts when it was asked for; lines of a file")
    done: int
    changed: int
    unchanged: int
    refused: int
    refusals: list[RefusalOut]
    error: str
    by: str
    created_at: Moment
    finished_at: Moment | None


@operation(AREA, "GET", "/bulk-actions", Page[BulkOut], Rules(_READ, paged=True))
def list_bulk_actions(
    request: ApiRequest, limit: Limit = 50, cursor: CursorText = ""
) -> Page[BulkOut]:
    """List bulk actions, newest first"""
    return page_of(BulkAction.objects.all(), limit, cursor, shown_action)


@operation(AREA, "GET", "/bulk-actions/{action_id}", BulkOut, Rules(_READ))
def get_bulk_action(request: ApiRequest, action_id: Id) -> BulkOut:
    """Get a bulk action: how far it is, and its result"""
    return shown_action(get(BulkAction.objects.all(), action_id, "bulk action"))


@operation(
    AREA, "POST", "/bulk-actions", BulkOut, Rules(_WRITE, repeatable=True, body=JSON), status=201
)
def start_bulk_action(request: ApiRequest, body: BulkIn) -> Created:
    """Add or remove tags of many contacts, or delete them for good

    A worker does it in steps. Deleting can't be undone and needs `expected`.
    """
    if body.action == "delete" and body.expected is None:
        text = "Deleting can't be undone. Send the number of contacts as expected."
        raise Problem("invalid_request", text, [FieldError("expected", "body", text)])
    options = (
        acts.delete_options(suppress=body.suppress)
        if body.action == "delete"
        else acts.tag_options(body.tags)
    )
    action = actions.start(
        body.action, body.contacts.selection(), options, by=request.by, counted=body.expected
    )
    return _created(action)


@operation(
    AREA, "POST", "/consents/{consent_id}/bulk", BulkOut,
    Rules("consents:write", repeatable=True, body=JSON), status=201,
)  # fmt: skip
def start_bulk_consent(request: ApiRequest, consent_id: Id, body: BulkConsentIn) -> Created:
    """Note that many contacts have given or withdrawn a consent

    A worker does it in steps. What a contact changes after this request stays as the contact chose.
    """
    consent = get(Consent.objects.all(), consent_id, "consent")
    action = actions.start(
        "give" if body.given else "withdraw",
        body.contacts.selection(),
        acts.consent_options(consent, how=Change.How.API, proof=body.proof),
        by=request.by,
        counted=body.expected,
    )
    return _created(action)


@operation(AREA, "POST", "/bulk-actions/{action_id}/cancel", BulkOut, Rules(_WRITE))
def cancel_bulk_action(request: ApiRequest, action_id: Id) -> BulkOut:
    """Stop a bulk action after its present step; what is changed stays so"""
    action = get(BulkAction.objects.all(), action_id, "bulk action")
    actions.cancel(action, by=request.by)
    return shown_action(action)


def _created(action: BulkAction) -> Created:
    return Created(shown_action(action), f"/api/v1/bulk-actions/{action.pk}")


def shown_action(action: BulkAction) -> BulkOut:
    """A bulk action as it is answered."""
    return BulkOut(
        id=action.pk,
        action=action.kind,
        state=action.state,
        total=action.total,
        done=action.done,
        changed=action.changed,
        unchanged=action.unchanged,
        refused=action.refused,
        refusals=[
            RefusalOut(reason=reason, count=count, contact_ids=contacts)
            for reason, count, contacts in action.refusals
        ],
        error=action.error,
        by=action.actor,
        created_at=action.created_at,
        finished_at=action.finished_at,
    )

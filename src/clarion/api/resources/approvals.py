"""Approval of broadcasts: asked for and looked up. A person decides, on a page."""

from typing import Literal

from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.problems import not_found
from clarion.api.types import Id, Input, Moment, Output
from clarion.broadcasts import approvals, history
from clarion.broadcasts.models import Approval, ApprovalRules

AREA = "Broadcasts"
RoleName = Literal["viewer", "sender", "manager", "admin"]


class ApprovalOut(Output):
    """What was asked for, and what was decided."""

    broadcast_id: Id
    state: Literal["waiting", "approved", "rejected"]
    void: str = Field(description="Why it does not count any more; empty if it does")
    recipients: int | None = Field(description="When it was asked for; null if they come later")
    asked_by: str
    asked_at: Moment
    decided_by: str
    decided_at: Moment | None
    comment: str


class ApprovalRulesIn(Input):
    """What needs the approval of a second person."""

    more_than: int | None = Field(ge=0, le=ApprovalRules.MOST, description="null: nothing does")
    roles: list[RoleName] = Field(max_length=4, description="Of those who send")


class ApprovalRulesOut(Output):
    """What needs the approval of a second person."""

    more_than: int | None
    roles: list[RoleName]


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/approval", ApprovalOut,
           Rules("broadcasts:write"))  # fmt: skip
def ask_approval(request: ApiRequest, broadcast_id: Id) -> ApprovalOut:
    """Ask for the approval of a draft

    A manager or an admin decides on a page, not a program. Any edit makes the request void.
    """
    draft = get(history.visible(), broadcast_id, "broadcast")
    return _shown(approvals.ask(draft, approvals.recipients_of(draft), by=request.by))


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/approval", ApprovalOut,
           Rules("broadcasts:read"))  # fmt: skip
def get_approval(request: ApiRequest, broadcast_id: Id) -> ApprovalOut:
    """Get the latest request for the approval of a broadcast, and what was decided"""
    approval = approvals.latest(get(history.visible(), broadcast_id, "broadcast"))
    if approval is None:
        raise not_found("request for approval")
    return _shown(approval)


@operation(AREA, "GET", "/approval-rules", ApprovalRulesOut, Rules("agents:read"))
def get_approval_rules(request: ApiRequest) -> ApprovalRulesOut:
    """Get what needs the approval of a second person"""
    return _rules(approvals.rules())


@operation(AREA, "POST", "/approval-rules", ApprovalRulesOut, Rules("agents:write", body=JSON))
def set_approval_rules(request: ApiRequest, body: ApprovalRulesIn) -> ApprovalRulesOut:
    """Choose what needs the approval of a second person

    Programs with a token need it as well.
    """
    return _rules(approvals.set_rules(body.more_than, body.roles, by=request.by))


def _rules(rules: ApprovalRules) -> ApprovalRulesOut:
    return ApprovalRulesOut(more_than=rules.more_than, roles=rules.roles)


def _shown(approval: Approval) -> ApprovalOut:
    broadcast = approval.broadcast
    is_draft = broadcast.state == "draft"
    return ApprovalOut(
        broadcast_id=broadcast.pk,
        state=approval.state,
        void=approvals.why_void(approval, approvals.recipients_of(broadcast)) if is_draft else "",
        recipients=approval.recipients,
        asked_by=approvals.asked_by(approval),
        asked_at=approval.asked_at,
        decided_by=approval.decided_by_name,
        decided_at=approval.decided_at,
        comment=approval.comment,
    )

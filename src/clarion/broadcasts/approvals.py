"""Approval by a second person of what goes to very many (N5).

A draft stays a draft. Somebody asks for approval, and the digest of what would be sent is kept; a
manager who is not the one who asked and did not edit it last approves or rejects it. It can be
launched while the latest approval is of exactly what the draft says. Restarts of the same content,
runs, and what is undone or missed need no other one: what they send was approved.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import Exists, F, Field, OuterRef, Q

from clarion.accounts import audit
from clarion.accounts.models import Agent, ApiToken, Role
from clarion.accounts.tokens import actor
from clarion.broadcasts import authors, events
from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.errors import ApprovalError, ApprovalNeeded
from clarion.broadcasts.fields import FIELDS, To
from clarion.broadcasts.mail_bodies import fixed_layout
from clarion.broadcasts.models import Approval, ApprovalRules, Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.versions import version_of
from clarion.kit import clock
from clarion.segments.models import Segment

LONGEST_COMMENT: Final = 1_000
SHOWN_FOR: Final = timedelta(days=7)  # an answer, on the dashboard
GROWTH: Final = 1.1  # an audience may grow by a tenth between approval and launch
_OF_PAGES: Final = frozenset({"sample_data", "story_version", "mail_layout"})  # see _parts
# All that a person writes: what a duplicate or the draft of a live edit takes over, and the time.
DIGESTED: Final = (
    *sorted(
        name
        for name, to in FIELDS.items()
        if (To.DUPLICATE in to or To.EDITED in to) and name not in _OF_PAGES
    ),
    "scheduled_at",
)
# What a restart shares with the broadcast that it restarts.
_CONTENT: Final = (
    "data_type", "text", "format", "mail", "mail_layout", "story_id", "story_version_id",
    "template", "data", "code_pool_id", "track_clicks", "track_opens", "title",
)  # fmt: skip

# The latest of its broadcast, which nobody has edited since. A list that dashboards ask for every
# two seconds can't compare digests: of a million picked recipients, one takes seconds.
_COUNTS: Final = (
    Q(broadcast__edited_at=None) | Q(broadcast__edited_at__lte=F("asked_at"))
) & ~Exists(Approval.objects.filter(broadcast=OuterRef("broadcast"), pk__gt=OuterRef("pk")))


def rules() -> ApprovalRules:
    """The rules of the workspace; without any, nothing needs approval."""
    return ApprovalRules.objects.filter(pk=ApprovalRules.ONLY).first() or ApprovalRules(
        pk=ApprovalRules.ONLY
    )


def set_rules(more_than: int | None, roles: Iterable[str], *, by: Agent | str) -> ApprovalRules:
    """Require approval of what agents of these roles send to more than so many; None: never.

    Programs and the command line need it as well. Raises ApprovalError.
    """
    chosen = set(roles)
    if unknown := sorted(chosen - set(Role.values)):
        raise ApprovalError(f"There is no role “{unknown[0]}”.")
    if more_than is not None and not 0 <= more_than <= ApprovalRules.MOST:
        raise ApprovalError(f"Choose a number from 0 to {ApprovalRules.MOST:,}.")
    ordered = [role for role in Role.values if role in chosen]
    with transaction.atomic():
        changed, _ = ApprovalRules.objects.update_or_create(
            pk=ApprovalRules.ONLY, defaults={"more_than": more_than, "roles": ordered}
        )
        audit.note("approval.rules", "workspace", by, more_than=more_than, roles=ordered)
    return changed


def is_needed(broadcast: Broadcast, recipients: int | None, by: Agent | str) -> bool:
    """Whether the rules ask for an approval of this draft when this one launches it.

    ``recipients``: None for those who come later, which may be any number.
    """
    present = rules()
    if present.more_than is None:
        return False
    if isinstance(by, Agent) and by.role not in present.roles:
        return False
    if recipients is not None and recipients <= present.more_than:
        return False
    return not _is_restart_of_the_same(broadcast)


def _is_restart_of_the_same(broadcast: Broadcast) -> bool:
    first = broadcast.restart_of
    return first is not None and all(
        getattr(first, name) == getattr(broadcast, name) for name in _CONTENT
    )


def require(broadcast: Broadcast, recipients: int | None, by: Agent | str) -> None:
    """Raise ApprovalNeeded unless the draft is approved as it is, or needs no approval."""
    if not is_needed(broadcast, recipients, by):
        return
    approval = latest(broadcast)
    if approval is None or approval.state == Approval.State.REJECTED:
        raise ApprovalNeeded(
            "This needs the approval of a second person, because of how many recipients it may "
            "have. Save it as a draft and ask for approval."
        )
    if approval.state == Approval.State.WAITING:
        raise ApprovalNeeded("This is waiting for the approval of a second person.")
    if problem := why_void(approval, recipients):
        raise ApprovalNeeded(f"{problem} Ask for approval again.")


def latest(broadcast: Broadcast) -> Approval | None:
    """The newest request for approval of a broadcast."""
    return broadcast.approvals.order_by("-pk").first()


def why_void(approval: Approval, recipients: int | None) -> str:
    """Why a request or an approval does not count any more; "" if it does."""
    if approval.digest != digest(approval.broadcast):
        return "The broadcast was edited after approval was asked for."
    if approval.recipients is None:
        return ""
    if recipients is None or recipients > approval.recipients * GROWTH:
        return "It would go to many more recipients than when approval was asked for."
    return ""


def why_no_longer(broadcast: Broadcast) -> str:
    """Why a broadcast that has come due may not be sent as it was launched; "" if it may.

    Its fields can't have changed since, but its audience can: by more contacts, other tags or other
    conditions of a segment. Runs were approved with their parent.
    """
    limit = rules().more_than
    if limit is None or broadcast.type == Broadcast.Type.SINGLE or broadcast.parent_id is not None:
        return ""
    recipients = recipients_of(broadcast)
    if not is_needed(broadcast, recipients, broadcast.agent or broadcast.agent_name):
        return ""
    approval = latest(broadcast)
    if approval is None or approval.state != Approval.State.APPROVED:
        approval = None
    elif approval.recipients is not None:
        limit = approval.recipients
    if recipients is None or recipients > limit * GROWTH:
        return "It would go to many more recipients than when it was sent."
    if approval is not None and approval.segments != _digest_of(_segments_of(broadcast)):
        return "A segment of its audience was changed after it was approved."
    return ""


def recipients_of(broadcast: Broadcast) -> int | None:
    """How many a draft goes to at present; None for those who come later."""
    counted = None if broadcast.is_live else summary_of(broadcast)
    return counted.total if counted else None


def ask(
    broadcast: Broadcast, recipients: int | None, *, by: Agent | str, reason: str = ""
) -> Approval:
    """Ask for approval of a draft as it is now; an earlier request is replaced.

    ``recipients``: how many it goes to, None where they come later. ``reason``: why it is asked for
    again. Raises ApprovalError.
    """
    with transaction.atomic():
        _lock_draft(broadcast)
        approval = Approval.objects.create(
            broadcast=broadcast,
            digest=digest(broadcast),
            segments=_digest_of(_segments_of(broadcast)),
            recipients=recipients,
            asked_by=by if isinstance(by, Agent) else None,
            asked_by_name=authors.name_of(by),
        )
        why = {"reason": reason} if reason else {}
        events.note(broadcast, "ask_approval", by, people=recipients, **why)
    return approval


def why_not(approval: Approval, agent: Agent) -> str:
    """Why this agent can't decide on a request; "" if the agent can."""
    if not agent.may(Role.MANAGER):
        return "Only managers and admins approve broadcasts."
    if approval.asked_by_id == agent.pk:
        return "You asked for this approval. Another agent has to decide."
    if approval.asked_by_id is None and approval.asked_by_name in _tokens_of(agent):
        return "Your API token asked for this approval. Another agent has to decide."
    if approval.broadcast.edited_by_id == agent.pk:
        return "You edited this broadcast last. Another agent has to decide."
    return ""


def _tokens_of(agent: Agent) -> set[str]:
    """How the tokens that an agent created are named, revoked ones too: each acts for the agent."""
    return {authors.name_of(actor(token)) for token in ApiToken.objects.filter(created_by=agent)}


def decide(approval: Approval, *, approve: bool, comment: str, by: Agent | str) -> Approval:
    """Approve or reject what was asked for. Raises ApprovalError.

    Only a person decides: an agent, not a program and not the command line without a name.
    """
    if not isinstance(by, Agent):
        raise ApprovalError("Only an agent can approve or reject a broadcast.")
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise ApprovalError(f"Write at most {LONGEST_COMMENT:,} characters.")
    with transaction.atomic():
        _lock_draft(approval.broadcast)
        approval = Approval.objects.select_related("broadcast").get(pk=approval.pk)
        if problem := why_not(approval, by):
            raise ApprovalError(problem)
        newest = latest(approval.broadcast)
        if approval.state != Approval.State.WAITING or newest is None or newest.pk != approval.pk:
            raise ApprovalError("This request is no longer open.")
        if approve and approval.digest != digest(approval.broadcast):
            raise ApprovalError(
                "The broadcast was edited after approval was asked for. It has to be asked for "
                "again."
            )
        approval.state = Approval.State.APPROVED if approve else Approval.State.REJECTED
        approval.decided_by, approval.decided_by_name = by, by.name
        approval.decided_at, approval.comment = clock.now(), comment
        approval.save()
        kind = "approve" if approve else "reject"
        events.note(approval.broadcast, kind, by, people=approval.recipients, comment=comment)
    return approval


def open_requests(limit: int) -> list[Approval]:
    """The requests that wait for a decision and still count, the oldest first."""
    waiting = Approval.objects.filter(
        state=Approval.State.WAITING,
        broadcast__state=BroadcastState.DRAFT,
        broadcast__deleted_at=None,
    ).select_related("broadcast", "asked_by")
    return list(waiting.filter(_COUNTS).order_by("pk")[:limit])


def unread_answers(limit: int) -> list[Approval]:
    """What was decided about drafts that are still as they were then, the newest first."""
    decided = Approval.objects.filter(
        state__in=(Approval.State.APPROVED, Approval.State.REJECTED),
        decided_at__gt=clock.now() - SHOWN_FOR,
        broadcast__state=BroadcastState.DRAFT,
        broadcast__deleted_at=None,
    ).select_related("broadcast", "decided_by")
    return list(decided.filter(_COUNTS).order_by("-pk")[:limit])


def asked_by(approval: Approval) -> str:
    """Who asked, as agents are called now."""
    return approval.asked_by.name if approval.asked_by else approval.asked_by_name


def digest(broadcast: Broadcast) -> str:
    """SHA-256 of all that decides what is sent to whom and when."""
    return _digest_of(_parts(broadcast))


def _digest_of(parts: Iterable[Any]) -> str:
    seen = hashlib.sha256()
    for part in parts:
        seen.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
    return seen.hexdigest()


def _parts(broadcast: Broadcast) -> Iterator[Any]:
    for name in DIGESTED:
        if name == "channels":
            yield name, sorted(broadcast.channels.values_list("pk", flat=True))
        else:
            field = cast("Field[Any, Any]", Broadcast._meta.get_field(name))
            yield name, field.value_from_object(broadcast)
    version = version_of(broadcast)
    yield "story_version", version.pk if version else None
    yield "mail_layout", fixed_layout(broadcast)
    yield "segments", _segments_of(broadcast)
    picks = broadcast.picks.order_by("address_id").values_list("address_id", flat=True)
    yield from picks.iterator(chunk_size=10_000)


def _segments_of(broadcast: Broadcast) -> list[tuple[Any, ...]]:
    audience = broadcast.audience or {}
    ids = [*audience.get("segments", ()), *audience.get("without_segments", ())]
    conditions = Segment.objects.filter(pk__in=ids).order_by("pk")
    return list(conditions.values_list("pk", "match", "conditions"))


def _lock_draft(broadcast: Broadcast) -> None:
    broadcast.refresh_from_db(from_queryset=Broadcast.objects.select_for_update())
    if broadcast.state != BroadcastState.DRAFT or broadcast.deleted_at is not None:
        raise ApprovalError("Only a draft can be approved. This one is a draft no more.")

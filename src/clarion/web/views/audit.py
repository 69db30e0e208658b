"""The audit log: filter, page, export. For admins."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.accounts.audit_log import Wanted, export_csv, search
from clarion.accounts.models import Role
from clarion.kit.paging import CursorError
from clarion.web.filters import chips, list_url
from clarion.web.moments import asked_span
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download

_TEXTS = ("actor", "action", "subject")


def _wanted(request: AgentRequest) -> tuple[Wanted, dict[str, str], dict[str, str]]:
    """The conditions, as they were typed, and a sentence for each mistake."""
    span, moments, problems = asked_span(request.GET)
    texts = {name: request.GET.get(name, "").replace("\0", "").strip() for name in _TEXTS}
    wanted = Wanted(**texts, since=moments["since"], until=moments["until"])
    return wanted, texts | span, problems


@needs(Role.ADMIN)
@require_safe
def audit_log(request: AgentRequest) -> HttpResponse:
    """The entries that meet all conditions in the address, newest first."""
    wanted, texts, problems = _wanted(request)
    after = request.GET.get("after", "")
    try:
        page = search(wanted, after or None)
    except CursorError:
        return redirect("audit_log")
    following = {**texts, "after": page.next_cursor}
    words = {
        "actor": _("By: %s") % texts["actor"] if texts["actor"] else "",
        "action": _("Action: %s") % texts["action"] if texts["action"] else "",
        "subject": _("Object: %s") % texts["subject"] if texts["subject"] else "",
        "since": _("After %s") % texts["since"] if wanted.since else "",
        "until": _("Before %s") % texts["until"] if wanted.until else "",
    }
    context = {
        "rows": page.rows,
        "texts": texts,
        "problems": problems,
        "problem": bool(problems),
        "filtered": any(texts.values()),
        "first_url": list_url("audit_log", texts) if after else "",
        "next_url": list_url("audit_log", following) if page.next_cursor else "",
        "export_url": list_url("audit_log_export", texts),
        **chips("audit_log", texts, words),
    }
    return render(request, "accounts/audit_log.html", context)


@needs(Role.ADMIN)
@require_safe
def audit_log_export(request: AgentRequest) -> HttpResponseBase:
    """The filtered entries as a CSV file."""
    wanted, texts, problems = _wanted(request)
    if problems:
        return redirect(list_url("audit_log", texts))
    audit.note_export("audit log", request.user, wanted.to_query())
    zone = timezone.get_current_timezone_name()
    return download(export_csv(wanted, zone), "audit-log.csv")

"""Code pools: list, create, change, fill, archive, delete."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.codes import batches, listing, pools, stock
from clarion.codes.errors import CodeError
from clarion.codes.models import CodeBatch, CodePool, Redemption
from clarion.contacts import uploads
from clarion.engine.status import workers_alive
from clarion.web.forms.codes import FillForm, PoolForm
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download, stored_file

SHOWN_BATCHES = 5
SHOWN_REDEMPTIONS = 20


@require_safe
def codes(request: AgentRequest) -> HttpResponse:
    """The pools in use, or the archived ones, with their numbers."""
    archived = request.GET.get("archived") == "yes"
    listed = list(CodePool.objects.filter(archived_at__isnull=not archived).order_by("name"))
    numbers = stock.numbers(listed)
    low = {pool.pk for pool in stock.low_pools()}
    rows = [{"pool": pool, "numbers": numbers[pool.pk], "low": pool.pk in low} for pool in listed]
    context = {
        "rows": rows,
        "archived": archived,
        "any_archived": CodePool.objects.filter(archived_at__isnull=False).exists(),
    }
    return render(request, "codes/list.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def code_pool_new(request: AgentRequest) -> HttpResponse:
    """Create an empty pool."""
    form = PoolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            pool = pools.create(form.rules(), by=request.user)
        except CodeError as error:
            form.add_error(None, str(error))
        else:
            return redirect("code_pool", pool.pk)
    return render(request, "codes/edit.html", {"form": form})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def code_pool_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the rules of a pool."""
    pool = get_object_or_404(CodePool, pk=pk)
    name = pool.name
    form = PoolForm(request.POST or None, initial=PoolForm.of(pool))
    if request.method == "POST" and form.is_valid():
        try:
            pools.update(pool, form.rules(), by=request.user)
        except CodeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("code_pool", pk)
    return render(request, "codes/edit.html", {"form": form, "pool": pool, "name": name})


@require_safe
def code_pool(request: AgentRequest, pk: int) -> HttpResponse:
    """One pool: its numbers, its rules, codes being added, the last redemptions."""
    pool = get_object_or_404(CodePool, pk=pk)
    uses = Redemption.objects.filter(code__pool=pool).select_related("code", "code__contact")
    context = {
        **_status(pool),
        "form": FillForm(),
        "redemptions": uses.order_by("-pk")[:SHOWN_REDEMPTIONS],
        "needed_by": pools.needed_by(pool),
    }
    return render(request, "codes/one.html", context)


@require_safe
def code_pool_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of it."""
    return fragment(request, "codes/status.html", _status(get_object_or_404(CodePool, pk=pk)))


def _status(pool: CodePool) -> dict[str, object]:
    orders = list(pool.batches.order_by("-pk")[:SHOWN_BATCHES])
    waiting = any(order.state in CodeBatch.OPEN for order in orders)
    return {
        "pool": pool,
        "numbers": stock.numbers([pool])[pool.pk],
        "why_not": pools.why_not_issued(pool),
        "is_low": bool(pool.low_at) and stock.free_up_to(pool, pool.low_at) < pool.low_at,
        "orders": [
            {"order": order, "rejects": batches.rejects_file(order) is not None} for order in orders
        ],
        "no_worker": waiting and not workers_alive(),
    }


@needs(Role.MANAGER)
@require_POST
def code_pool_fill(request: AgentRequest, pk: int) -> HttpResponse:
    """Generate codes, or import a file: a few at once, many by a worker."""
    pool = get_object_or_404(CodePool, pk=pk)
    form = FillForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            order = _order(request, pool, form)
            if order.wanted and order.wanted <= batches.AT_ONCE:
                batches.carry_out(order)
        except CodeError as error:
            form.add_error(None, str(error))
        else:
            return redirect("code_pool", pk)
    context = {**_status(pool), "form": form, "redemptions": []}
    return render(request, "codes/one.html", context, status=422)


def _order(request: AgentRequest, pool: CodePool, form: FillForm) -> CodeBatch:
    data = form.cleaned_data
    if data["count"]:
        return batches.order_codes(pool, data["count"], by=request.user)
    if not data["file"]:
        raise CodeError(_("Enter how many codes to generate, or choose a file."))
    token = uploads.keep(data["file"].chunks())
    return batches.order_import(
        pool,
        token,
        filename=data["file"].name,
        column=data["column"] or None,
        by=request.user,
    )


@needs(Role.MANAGER)
@require_safe
def code_batch_rejects(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The lines of a file that were not taken, with the reasons."""
    path = batches.rejects_file(get_object_or_404(CodeBatch, pk=pk))
    if path is None:
        raise Http404
    return stored_file(
        path, f"rejected-codes-{pk}.csv", f"rejected codes of order {pk}", request.user
    )


@needs(Role.MANAGER)
@require_safe
def code_pool_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """All codes of a pool as a CSV file, with who has them."""
    pool = get_object_or_404(CodePool, pk=pk)
    audit.note_export("codes", request.user, f"pool {pool.name}")
    zone = timezone.get_current_timezone_name()
    return download(listing.as_csv(pool, zone), f"codes-{pk}.csv")


@needs(Role.MANAGER)
@require_POST
def code_pool_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Archive or restore a pool."""
    acts: dict[str, Callable[..., None]] = {"archive": pools.archive, "restore": pools.restore}
    pool = get_object_or_404(CodePool, pk=pk)
    if act not in acts:
        raise Http404
    try:
        acts[act](pool, by=request.user)
    except CodeError as error:
        messages.error(request, str(error))
    else:
        sentence = (
            _("“%s” has been archived.") if act == "archive" else _("“%s” has been restored.")
        )
        messages.success(request, sentence % pool.name)
    return redirect("code_pool", pk)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def code_pool_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete a pool whose codes nobody has got."""
    pool = get_object_or_404(CodePool, pk=pk)
    if request.method == "POST":
        try:
            pools.delete(pool, by=request.user)
        except CodeError as error:
            messages.error(request, str(error))
            return redirect("code_pool", pk)
        messages.success(request, _("“%s” has been deleted.") % pool.name)
        return redirect("codes")
    context = {"pool": pool, "numbers": stock.numbers([pool])[pk]}
    return render(request, "codes/delete.html", context)

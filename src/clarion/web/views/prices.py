"""The prices of a channel: shown, imported from a CSV file and exported to one."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.channels import price_lists
from clarion.channels.errors import ChannelError
from clarion.channels.models import Channel
from clarion.channels.prices import named
from clarion.contacts import uploads
from clarion.web.forms.prices import PriceFileForm
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download


@require_http_methods(["GET", "HEAD", "POST"])
def channel_prices(request: AgentRequest, pk: int) -> HttpResponse:
    """The prices of a channel, and for those who may change them a file to import."""
    channel = _channel(pk)
    if request.method == "POST":
        return _import(request, channel)
    return _show(request, channel, PriceFileForm())


@needs(Role.MANAGER)
def _import(request: AgentRequest, channel: Channel) -> HttpResponse:
    form = PriceFileForm(request.POST, request.FILES)
    if form.is_valid():
        token = uploads.keep(form.cleaned_data["file"].chunks())
        try:
            count = price_lists.import_csv(channel, uploads.path(token), by=request.user)
        except ChannelError as error:
            form.add_error("file", str(error))
        else:
            sentence = ngettext("%s price imported.", "%s prices imported.", count)
            messages.success(request, sentence % f"{count:,}")
            return redirect("channel_prices", channel.pk)
        finally:
            uploads.drop(token)
    return _show(request, channel, form)


def _show(request: AgentRequest, channel: Channel, form: PriceFileForm) -> HttpResponse:
    table = price_lists.table_of(channel)
    rows = [
        {"numbers": named(row.code) or _("All others"), "category": row.category,
         "price": f"{row.price:f}"}
        for row in table.rows
    ]  # fmt: skip
    context = {
        "channel": channel,
        "currency": table.currency,
        "rows": rows,
        "has_categories": any(row.category for row in table.rows),
        "form": form,
    }
    return render(request, "channels/prices.html", context)


@require_safe
def channel_prices_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The prices as a CSV file, in the form that the import reads."""
    return download(price_lists.export_csv(_channel(pk)), "prices.csv")


def _channel(pk: int) -> Channel:
    channel = get_object_or_404(Channel, pk=pk)
    if not price_lists.has_prices(channel):
        raise Http404("This channel has no prices.")
    return channel

"""Layouts of e-mails: list, add, edit with a preview, delete."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.content.errors import ContentError
from clarion.content.mail import layouts as manage
from clarion.content.models import Layout
from clarion.web.forms.layouts import LayoutForm
from clarion.web.requests import AgentRequest, needs
from clarion.web.views.mail_previews import framed, unshown


@require_safe
def layouts(request: AgentRequest) -> HttpResponse:
    """All layouts by name."""
    return render(request, "layouts/list.html", {"rows": Layout.objects.order_by("name")})


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def layout_new(request: AgentRequest) -> HttpResponse:
    """Add a layout; it begins as the built-in one."""
    return _edit(request, None, {"html": manage.built_in().html})


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def layout_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change a layout."""
    layout = get_object_or_404(Layout, pk=pk)
    names = ("name", "address", "is_default", "html")
    return _edit(request, layout, {name: getattr(layout, name) for name in names})


def _edit(request: AgentRequest, layout: Layout | None, stored: dict[str, Any]) -> HttpResponse:
    form = LayoutForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        try:
            saved = manage.save_layout(layout, **form.cleaned_data, by=request.user)
        except ContentError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("“%s” is saved.") % saved.name)
            return redirect("layout_edit", saved.pk)
    return render(request, "layouts/edit.html", {"form": form, "layout": layout})


@require_safe
@xframe_options_sameorigin
def layout_preview(request: AgentRequest, pk: int) -> HttpResponse:
    """A layout around a sample, for a frame."""
    layout = get_object_or_404(Layout, pk=pk)
    try:
        return framed(manage.sample_page(layout))
    except ContentError as error:
        return unshown(request, str(error))


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def layout_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete a layout."""
    layout = get_object_or_404(Layout, pk=pk)
    if request.method == "POST":
        manage.delete_layout(layout, by=request.user)
        messages.success(request, _("“%s” has been deleted.") % layout.name)
        return redirect("layouts")
    return render(request, "layouts/delete.html", {"layout": layout})

"""Tags: list with counts and uses, rename, merge, delete."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.bulk import orders
from clarion.contacts import tag_changes
from clarion.contacts.models import Tag
from clarion.contacts.tags import LONGEST, TagError, tag_counts
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest, needs


class RenameForm(forms.Form):
    """The name of a tag."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST,
        help_text=gettext_lazy("Contacts, broadcasts and segments that have the tag keep it."),
    )


@require_safe
def tags(request: AgentRequest) -> HttpResponse:
    """All tags: how many contacts have each, and what uses it."""
    uses = tag_changes.uses()
    rows = [{"tag": tag, "uses": uses.get(tag.name, [])} for tag in tag_counts()]
    return render(request, "contacts/tags.html", {"rows": rows})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def tag_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Rename a tag, or choose to merge or delete it."""
    tag = get_object_or_404(Tag, pk=pk)
    form = RenameForm(request.POST or None, initial={"name": tag.name})
    if request.method == "POST" and form.is_valid():
        try:
            tag_changes.rename(tag, form.cleaned_data["name"], by=request.user)
        except TagError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("tags")
    context = {"tag": tag, "form": form, "others": Tag.objects.exclude(pk=pk).order_by("name")}
    return render(request, "contacts/tag.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def tag_merge(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then merge a tag into another one."""
    tag = get_object_or_404(Tag, pk=pk)
    number = parse_id((request.POST or request.GET).get("into", ""))
    into = Tag.objects.filter(pk=number).exclude(pk=pk).first() if number else None
    if into is None:
        messages.error(request, _("Choose the tag to merge into."))
        return redirect("tag_edit", pk)
    if request.method == "POST":
        try:
            action = orders.merge_tags(tag, into, by=request.user)
        except TagError as error:
            messages.error(request, str(error))
        else:
            if action:
                return redirect("bulk_one", action.pk)
            messages.success(request, _("The tags are merged."))
        return redirect("tags")
    context = {"tag": tag, "into": into, **_facts(tag)}
    return render(request, "contacts/tag_merge.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def tag_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete a tag."""
    tag = get_object_or_404(Tag, pk=pk)
    if request.method == "POST":
        try:
            action = orders.delete_tag(tag, by=request.user)
        except TagError as error:
            messages.error(request, str(error))
        else:
            if action:
                return redirect("bulk_one", action.pk)
            messages.success(request, _("“%s” has been deleted.") % tag.name)
        return redirect("tags")
    return render(request, "contacts/tag_delete.html", {"tag": tag, **_facts(tag)})


def _facts(tag: Tag) -> dict[str, object]:
    uses = tag_changes.uses().get(tag.name, [])
    names = ", ".join(use.words for use in uses)
    return {"contacts": tag.taggings.count(), "uses": uses, "names": names}

"""The words with which contacts opt out and in: the built-in ones, and the operator's own."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clarion.accounts.models import Role
from clarion.channels import own_keywords
from clarion.channels.errors import ChannelError
from clarion.channels.keyword_lists import IN, OUT, OUT_TYPED, SOURCES
from clarion.channels.keywords import requested_state
from clarion.web.forms.keywords import KeywordsForm
from clarion.web.requests import AgentRequest, needs

_UNNAMED = {"tl": "Tagalog", "zh": "Chinese"}  # languages that Django has no name for


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def keywords(request: AgentRequest) -> HttpResponse:
    """Show the words, and replace the operator's own."""
    listed = own_keywords.listed()
    form = KeywordsForm(
        request.POST or None,
        initial={
            "opt_out": "\n".join(word.written for word in listed if word.state == "opted_out"),
            "opt_in": "\n".join(word.written for word in listed if word.state == "active"),
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            own_keywords.replace(form.words("opt_out"), form.words("opt_in"), request.user)
        except ChannelError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. New messages are compared with these words."))
            return redirect("keywords")
    tried = request.GET.get("message", "").strip()
    context = {
        "form": form,
        "languages": _built_in(),
        "tried": tried,
        "tried_state": requested_state(tried, own_keywords.own_words()) if tried else None,
    }
    return render(request, "channels/keywords.html", context)


def _built_in() -> list[dict[str, Any]]:
    """The built-in words of each language, in the order of the languages' names."""
    rows = [
        {
            "code": code,
            "name": _UNNAMED.get(code) or get_language_info(code)["name"],
            "opt_out": ", ".join((*words, *OUT_TYPED.get(code, ()))),
            "opt_in": ", ".join(IN.get(code, ())),
            "is_sourced": code in SOURCES,
        }
        for code, words in OUT.items()
    ]
    return sorted(rows, key=lambda row: str(row["name"]))

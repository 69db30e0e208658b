"""The forms of bulk actions: one for each thing that can be done to many contacts."""

from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clarion.bulk import acts
from clarion.bulk.acts import LONGEST_PROOF
from clarion.consents.models import Consent


class TagsForm(forms.Form):
    """Tags to add or to remove."""

    tags = forms.CharField(
        label=_("Tags"),
        max_length=1_000,
        help_text=_("Separate several tags with commas."),
        widget=forms.TextInput(attrs={"dir": "auto", "list": "known-tags"}),
    )

    def options(self) -> dict[str, Any]:
        """As ``actions.start`` takes them. Raises BulkError."""
        names = [name for name in self.cleaned_data["tags"].split(",") if name.strip()]
        return acts.tag_options(names)


class ConsentsForm(forms.Form):
    """A consent, and what proves that contacts gave or withdrew it."""

    consent = forms.ModelChoiceField(
        label=_("Consent"), queryset=Consent.objects.order_by("name"), empty_label=None
    )
    proof = forms.CharField(
        label=_("Proof"),
        max_length=LONGEST_PROOF,
        help_text=_("How and when they did it, for example “Paper form, fair in Bonn, 12 May”."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )

    def options(self) -> dict[str, Any]:
        """As ``actions.start`` takes them. Raises BulkError."""
        data = self.cleaned_data
        return acts.consent_options(data["consent"], proof=data["proof"])


class DeleteForm(forms.Form):
    """Deleting contacts for good."""

    suppress = forms.BooleanField(
        label=_(
            "Also keep their user ids on the suppression list, so that a later import can't make "
            "them recipients again"
        ),
        required=False,
        initial=True,
    )
    typed = forms.CharField(required=False, max_length=20)

    def options(self) -> dict[str, Any]:
        """As ``actions.start`` takes them."""
        return acts.delete_options(suppress=self.cleaned_data["suppress"])


Form = TagsForm | ConsentsForm | DeleteForm
FORMS: Final[dict[str, type[Form]]] = {
    "tag": TagsForm,
    "untag": TagsForm,
    "give": ConsentsForm,
    "withdraw": ConsentsForm,
    "delete": DeleteForm,
}


def form_of(kind: str, data: QueryDict | None = None) -> Form:
    """The form of a kind, filled in where ``data`` has something."""
    return FORMS[kind](data, auto_id=f"{kind}-%s")

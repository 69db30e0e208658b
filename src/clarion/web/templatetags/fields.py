"""Form controls with the classes of the stylesheet, tied to their hint and their problem."""

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

from clarion.web.wrong import Wrong

register = template.Library()

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """The widget of a field."""
    classes = next(name for kind, name in CLASSES if isinstance(field.field.widget, kind))
    attributes: dict[str, str | bool] = {
        "class": f"{classes} is-invalid" if field.errors else classes
    }
    if type(field.field.widget) in {forms.TextInput, forms.Textarea}:
        attributes["dir"] = "auto"  # people write in it, in any script
        if own := field.field.widget.attrs.get("class"):
            attributes["class"] = f"{attributes['class']} {own}"
    described = [f"{field.auto_id}_helptext"] if field.help_text else []
    if field.errors:
        described.append(f"{field.auto_id}_error")
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)


@register.simple_tag
def problems_of(form: forms.Form) -> list[Wrong]:
    """All that is wrong with a form, in the order of its fields; what is about none comes first."""
    listed = [Wrong(str(error)) for error in form.non_field_errors()]
    for field in form.visible_fields():
        listed += [Wrong(f"{field.label}: {error}", field.id_for_label) for error in field.errors]
    return listed

"""Layouts: what stands around the content of e-mails."""

from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Output
from clarion.content.mail import layouts
from clarion.content.models import Layout
from clarion.content.rendering import SOURCE_LIMIT

AREA = "Layouts"
_READ, _WRITE = "content:read", "content:write"
_HTML = "With {{ content }}, and {{ footer }} or {{ postal_address }}"


class LayoutIn(Input):
    """A layout as it is created."""

    name: str = Field(min_length=1, max_length=layouts.NAME_LENGTH)
    html: str = Field("", max_length=SOURCE_LIMIT, description=f"{_HTML}. Empty: the built-in one")
    address: str = Field("", max_length=layouts.ADDRESS_LENGTH, description="The postal address")
    is_default: bool = Field(False, description="Used where a broadcast chooses no layout")


class LayoutPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=layouts.NAME_LENGTH)
    html: str | None = Field(None, min_length=1, max_length=SOURCE_LIMIT, description=_HTML)
    address: str | None = Field(None, max_length=layouts.ADDRESS_LENGTH)
    is_default: bool | None = None


class LayoutOut(Output):
    """A layout. Broadcasts keep it as it is when they are launched."""

    id: Id
    name: str
    html: str
    address: str
    is_default: bool


class LayoutsOut(Output):
    """All layouts."""

    items: list[LayoutOut]


class LayoutPreviewOut(Output):
    """A layout around a sample."""

    html: str = Field(description="Variables are shown by their names")


@operation(AREA, "GET", "/layouts", LayoutsOut, Rules(_READ))
def list_layouts(request: ApiRequest) -> LayoutsOut:
    """List all layouts by name"""
    return LayoutsOut(items=[_shown(layout) for layout in Layout.objects.order_by("name")])


@operation(
    AREA, "POST", "/layouts", LayoutOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_layout(request: ApiRequest, body: LayoutIn) -> Created:
    """Create a layout"""
    fields = body.model_dump()
    fields["html"] = body.html or layouts.built_in().html
    layout = _shown(layouts.save_layout(None, **fields, by=request.by))
    return Created(layout, f"/api/v1/layouts/{layout.id}")


@operation(AREA, "GET", "/layouts/{layout_id}", LayoutOut, Rules(_READ, tagged=True))
def get_layout(request: ApiRequest, layout_id: Id) -> LayoutOut:
    """Get a layout"""
    return _shown(get(Layout.objects.all(), layout_id, "layout"))


@operation(
    AREA, "PATCH", "/layouts/{layout_id}", LayoutOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_layout(request: ApiRequest, layout_id: Id, body: LayoutPatch) -> LayoutOut:
    """Change a layout"""
    layout = lock(Layout.objects.all(), layout_id, "layout")
    current = _shown(layout)
    require_match(request, current)
    fields = {**current.model_dump(exclude={"id"}), **body.model_dump(exclude_none=True)}
    return _shown(layouts.save_layout(layout, **fields, by=request.by))


@operation(AREA, "DELETE", "/layouts/{layout_id}", None, Rules(_WRITE, edits=True))
def delete_layout(request: ApiRequest, layout_id: Id) -> None:
    """Delete a layout: what was launched with it keeps it"""
    layout = lock(Layout.objects.all(), layout_id, "layout")
    require_match(request, _shown(layout))
    layouts.delete_layout(layout, by=request.by)


@operation(AREA, "GET", "/layouts/{layout_id}/preview", LayoutPreviewOut, Rules(_READ))
def preview_layout(request: ApiRequest, layout_id: Id) -> LayoutPreviewOut:
    """Show a layout around a sample"""
    layout = get(Layout.objects.all(), layout_id, "layout")
    return LayoutPreviewOut(html=layouts.sample_page(layout))


def _shown(layout: Layout) -> LayoutOut:
    return LayoutOut(
        id=layout.pk,
        name=layout.name,
        html=layout.html,
        address=layout.address,
        is_default=layout.is_default,
    )

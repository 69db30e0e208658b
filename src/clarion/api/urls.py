"""The addresses of the API; `entry` answers all below /api/."""

from django.urls import path

from clarion.api import documentation
from clarion.api.app import api
from clarion.api.operations import router
from clarion.api.resources import (
    approvals,
    attributes,
    broadcasts,
    bulk,
    channels,
    chats,
    clicks,
    codes,
    consents,
    contact_edits,
    contacts,
    drafts,
    dry_runs,
    grants,
    imports,
    insights,
    layouts,
    media,
    merges,
    messages,
    people,
    prices,
    records,
    saved_filters,
    segments,
    stories,
    suppressions,
    tags,
    templates,
    tokens,
    webhooks,
)

# In the order of the documentation. Importing a module registers its operations.
AREAS = (
    tokens,
    webhooks,
    contacts,
    contact_edits,
    imports,
    merges,
    suppressions,
    tags,
    attributes,
    bulk,
    segments,
    consents,
    grants,
    channels,
    templates,
    layouts,
    stories,
    media,
    messages,
    drafts,
    approvals,
    dry_runs,
    broadcasts,
    insights,
    records,
    clicks,
    saved_filters,
    chats,
    codes,
    people,
    prices,
)
api.add_router("", router)
api.openapi_extra["tags"] = [
    {"name": name} for name in dict.fromkeys(module.AREA for module in AREAS)
]

urlpatterns = [
    path("api/v1/openapi.json", documentation.openapi),
    path("api/v1/docs", documentation.docs),
    path("api/v1/", api.urls),
]

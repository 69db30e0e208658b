"""The addresses of the API; `entry` answers all below /api/."""

from django.urls import path

from clarion.api import documentation
from clarion.api.app import api
from clarion.api.resources import consents, tokens

for _area in (tokens, consents):
    api.add_router("", _area.router)

urlpatterns = [
    path("api/v1/openapi.json", documentation.openapi, name="openapi"),
    path("api/v1/docs", documentation.docs, name="api_docs"),
    path("api/v1/", api.urls),
]

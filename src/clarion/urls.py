"""All addresses that the server answers to, but for the API, whose are its own: api.entry."""

from django.urls import include, path

urlpatterns = [
    path("", include("clarion.hooks.urls")),
    path("", include("clarion.web.urls")),
]
handler400 = "clarion.web.views.errors.bad_request"
handler403 = "clarion.web.views.errors.forbidden"
handler404 = "clarion.web.views.errors.not_found"
handler429 = "clarion.web.views.errors.too_many"  # asked for by allauth
handler500 = "clarion.web.views.errors.server_error"

"""All addresses that the server answers to."""

from django.urls import include, path

urlpatterns = [
    path("", include("clarion.hooks.urls")),
    path("", include("clarion.web.urls")),
]
handler403 = "clarion.web.views.errors.forbidden"

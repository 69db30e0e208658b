"""Addresses that providers and mail programs call; none of them needs a log-in."""

from django.urls import path

from clarion.hooks import views

app_name = "hooks"
urlpatterns = [
    path("hooks/<str:channel>/", views.callback, name="callback"),
    path("unsubscribe/<str:token>", views.unsubscribe, name="unsubscribe"),
]

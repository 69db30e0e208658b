"""Addresses that providers and mail programs call; none of them needs a log-in."""

from django.urls import path

from clarion.hooks import external, media, views

app_name = "hooks"
urlpatterns = [
    path("hooks/<str:channel>/", views.callback, name="callback"),
    path("hooks/external/<int:number>/<str:token>", external.external, name="external"),
    path("hooks/events/<int:number>/<str:token>", external.event, name="event"),
    path("media/<slug:token>/<str:name>", media.upload, name="media"),
    path("unsubscribe/<str:token>", views.unsubscribe, name="unsubscribe"),
]

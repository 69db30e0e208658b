"""Addresses for programs that Django serves; `application` answers the others of this package."""

from django.urls import path

from clarion.hooks import external, media

app_name = "hooks"
urlpatterns = [
    path("hooks/external/<int:number>/<str:token>", external.external, name="external"),
    path("hooks/events/<int:number>/<str:token>", external.event, name="event"),
    path("media/<slug:token>/<str:name>", media.upload, name="media"),
]

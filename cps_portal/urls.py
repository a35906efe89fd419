"""Every door of the house."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from cps_portal import home

urlpatterns = [
    path("", home.home, name="home"),
    path("dashboard/", home.dashboard, name="dashboard"),
    path("help/", home.help_page, name="help"),
    path("terms/", home.terms, name="terms"),
    path("privacy/", home.privacy, name="privacy"),
    path("health/", home.health, name="health"),
    path("", include("members.urls")),
    path("", include("cps_portal.cases.urls")),
    path("accounts/", include("allauth.urls")),
    path("kitbag/", include("kitbag.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("cps_portal.api")),
]
if apps.is_installed("cps_portal.mailbox"):
    urlpatterns.append(path("mailbox/", include("cps_portal.mailbox.urls")))

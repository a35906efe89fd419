"""Every door of the house."""

from allauth.account.decorators import secure_admin_login
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from cps_portal import home

admin.autodiscover()
if settings.STAFF_SECOND_FACTOR_REQUIRED:
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", home.home, name="home"),
    path("dashboard/", home.dashboard, name="dashboard"),
    path("help/", home.help_page, name="help"),
    path("terms/", home.terms, name="terms"),
    path("privacy/", home.privacy, name="privacy"),
    path("health/", home.health, name="health"),
    path("", include("members.urls")),
    path("accounts/", include("allauth.urls")),
    path("kitbag/", include("kitbag.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("cps_portal.api")),
]
if apps.is_installed("cps_portal.mailbox"):
    urlpatterns.append(path("mailbox/", include("cps_portal.mailbox.urls")))

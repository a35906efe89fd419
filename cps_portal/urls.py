"""All URLs of the portal."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path, re_path

from cps_portal.core.lib.language_choice import in_each_language
from cps_portal.core.rest.views import no_such_path
from cps_portal.site.views import (
    account,
    guides,
    language,
    mails,
    moving,
    notices,
    offline,
    public,
    stopped,
    travelling,
    well_known,
)
from members.offers.views.cards import card_check

urlpatterns = [
    path("api/v1/", include("cps_portal.api")),  # first, because API calls are the most frequent requests
    re_path(r"^api/v1/(?P<path>[\s\S]+)$", no_such_path),
    path(in_each_language(""), public.home, name="home"),
    path("dashboard/", public.dashboard, name="dashboard"),
    path("notices/", notices.notices, name="notices"),
    path(in_each_language("help/"), public.help_page, name="help"),
    path(in_each_language("terms/"), public.terms, name="terms"),
    path(in_each_language("privacy/"), public.privacy, name="privacy"),
    path("developers/", guides.guides, name="guides"),
    path("developers/collection.json", guides.collection, name="guide_collection"),
    path("developers/<slug:slug>/", guides.guide, name="guide"),
    path("language/", language.change_language, name="change_language"),
    path("language/<str:language>/", language.read_in, name="read_in"),
    path("profile/data/", account.my_data, name="my_data"),
    path("profile/data/download/", account.download, name="my_data_download"),
    path("profile/country/", moving.moving, name="moving"),
    path("country-change/", moving.country_change, name="country_change"),
    path("profile/country/moved/", moving.moved, name="moved"),
    path("going-to/", travelling.going_to, name="going_to"),
    path("going-to/<str:country>/", travelling.going_to_country, name="going_to_country"),
    path("card/abroad/", travelling.card_abroad, name="card_abroad"),
    path(in_each_language("visiting-members/"), travelling.visiting_members, name="visiting_members"),
    path("profile/close/", account.close_account, name="close_account"),
    path("closing/", account.closing, name="closing"),
    path("closing/reopen/", account.reopen_account, name="reopen_account"),
    path("closed/", account.account_closed, name="account_closed"),
    path("accounts/stop/<str:token>/", stopped.stop_account, name="stop_account"),
    path("accounts/stopped/", stopped.account_stopped, name="account_stopped"),
    path("accounts/merged/", stopped.account_merged, name="account_merged"),
    path("", include("members.urls")),
    path("", include("members.support.urls")),
    path("accounts/", include("allauth.urls")),
    path("kept/", include("cps_portal.core.submissions.urls")),
    path("files/", include("cps_portal.core.files.urls")),
    path("unsubscribe/<str:token>/", mails.unsubscribe, name="unsubscribe"),
    path("profile/confirm-again/", mails.confirm_again, name="confirm_again"),
    path("mail-events/", include("cps_portal.core.outbox.urls")),
    path("", include("members.offers.urls")),
    path(".well-known/change-password", well_known.change_password, name="well_known_change_password"),
    path(".well-known/security.txt", well_known.security, name="security_txt"),
    path("robots.txt", well_known.robots, name="robots"),
    path("sitemap.xml", well_known.sitemap, name="sitemap"),
    path("sw.js", offline.service_worker, name="service_worker"),
    path("offline/", offline.offline_page, name="offline"),
    path("offline/dashboard/", offline.dashboard_copy, name="offline_dashboard"),
    path("offline/card/", offline.card_copy, name="offline_card"),
    path("manifest.webmanifest", well_known.manifest, name="manifest"),
    path("c/<path:token>/", card_check, name="card_check"),
    path("kitbag/", include("kitbag.urls")),
    path("", include("servicing.urls")),
    path("admin/", admin.site.urls),
]
if apps.is_installed("cps_portal.sandbox"):
    urlpatterns.insert(0, path("api/v1/sandbox/", include("cps_portal.sandbox.urls")))
if apps.is_installed("cps_portal.dev.mailbox"):
    urlpatterns.append(path("mailbox/", include("cps_portal.dev.mailbox.urls")))

handler400 = "cps_portal.site.views.errors.bad_request"
handler500 = "cps_portal.site.views.errors.server_error"

from django.urls import path

from cps_portal.core.lib.language_choice import in_each_language
from members import views

app_name = "members"
urlpatterns = [
    path(in_each_language("country/"), views.country_choice, name="country_choice"),
    path("accounts/signup/", views.JoinView.as_view(), name="join"),  # before allauth's own, at the same address
    path("terms/accept/", views.terms, name="terms"),
    path("profile/", views.profile, name="profile"),
    path("profile/theme/", views.theme, name="theme"),
    path("profile/security/", views.security, name="security"),
    path("profile/notifications/", views.notifications, name="notifications"),
    path("profile/no-passkey/", views.decline_passkey, name="decline_passkey"),
    path("profile/sessions/", views.sessions, name="sessions"),
    path("profile/sessions/<int:key>/end/", views.end_session, name="end_session"),
    path("profile/sessions/end-others/", views.end_other_sessions, name="end_other_sessions"),
    path("accounts/email/undo/<str:token>/", views.undo_email, name="undo_email"),
]

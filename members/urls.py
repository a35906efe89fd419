from django.urls import path

from members import views

app_name = "members"
urlpatterns = [
    path("country/", views.country_choice, name="country_choice"),
    path("accounts/signup/", views.JoinView.as_view(), name="join"),  # before allauth's own, at the same address
    path("terms/accept/", views.terms, name="terms"),
    path("profile/", views.profile, name="profile"),
    path("profile/theme/", views.theme, name="theme"),
    path("profile/security/", views.security, name="security"),
    path("notices/<int:key>/read/", views.notice_read, name="notice_read"),
]

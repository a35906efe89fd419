from django.urls import path

from cps_portal.core.outbox import views

app_name = "outbox"
urlpatterns = [path("", views.mail_events, name="mail_events")]

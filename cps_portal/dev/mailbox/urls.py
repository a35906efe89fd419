from django.urls import path

from cps_portal.dev.mailbox import views

app_name = "mailbox"
urlpatterns = [
    path("", views.mails, name="list"),
    path("all/", views.gallery, name="gallery"),
    path("all/<slug:name>/html/", views.specimen, name="specimen"),
    path("<slug:name>/", views.mail, name="mail"),
    path("<slug:name>/html/", views.html, name="html"),
]

from django.urls import path

from cps_portal.core.files import views

app_name = "files"
urlpatterns = [
    path("upload/", views.upload, name="upload"),
    path("<str:key>/", views.file, name="file"),
]

from django.urls import path

from cps_portal.core.submissions import views

app_name = "submissions"
urlpatterns = [path("<int:pk>/discard/", views.discard, name="discard")]

from django.urls import path, re_path

from members.support import views

app_name = "cases"
urlpatterns = [
    path("contact/", views.contact, name="contact"),
    path("contact/sent/", views.sent, name="sent"),
    re_path(r"^contact/case/(?P<token>[A-Za-z0-9_-]{43})/$", views.visitor_case, name="visitor"),
    path("contact/rating/<str:token>/", views.rate, name="rate"),
    path("cases/", views.case_list, name="list"),
    path("cases/<str:reference>/", views.case, name="case"),
    path("cases/<str:reference>/close/", views.close, name="close"),
]

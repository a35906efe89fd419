from django.urls import path

from servicing.views import tickets

app_name = "servicing"
urlpatterns = [
    path("service/<str:reference>/", tickets.ticket, name="ticket"),
]

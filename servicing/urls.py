from django.urls import path

from servicing.views import loans, tickets

app_name = "servicing"
urlpatterns = [
    path("service/<str:reference>/", tickets.ticket, name="ticket"),
    path("service/<str:reference>/loan/", loans.loan, name="loan"),
]

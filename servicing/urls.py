from django.urls import path

from servicing.views import loans, tickets

app_name = "servicing"
urlpatterns = [
    path("service/", tickets.job_list, name="list"),
    path("service/product/<int:pk>/", tickets.of_registration, name="of_registration"),
    path("service/<str:reference>/", tickets.ticket, name="ticket"),
    path("service/<str:reference>/live/", tickets.live, name="live"),
    path("service/<str:reference>/write/", tickets.write, name="write"),
    path("service/<str:reference>/estimate/<int:number>/", tickets.answer_estimate, name="estimate"),
    path("service/<str:reference>/cancel/", tickets.cancel, name="cancel"),
    path("service/<str:reference>/standard/", tickets.standard, name="standard"),
    path("service/<str:reference>/loan/", loans.loan, name="loan"),
]

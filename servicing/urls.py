from django.urls import path

from servicing.views import centres, checks, loans, parcels, requests, tickets

app_name = "servicing"
urlpatterns = [
    path("centres/", centres.centres, name="centres"),
    path("centres/<slug:slug>/", centres.centre, name="centre"),
    path("service/", tickets.job_list, name="list"),
    path("service/product/<int:pk>/", tickets.of_registration, name="of_registration"),
    path("service/new/", requests.new, name="new"),
    path("service/check/", checks.check, name="check"),
    path("service/may-i/<int:pk>/", checks.may_i, name="may_i"),
    path("service/parcels/<str:reference>/", parcels.parcel, name="parcel"),
    path("service/parcels/<str:reference>/sent/", parcels.sent, name="parcel_sent"),
    path("service/parcels/<str:reference>/cancel/", parcels.cancel, name="parcel_cancel"),
    path("service/parcels/<str:reference>/label.pdf", parcels.label, name="label"),
    path("service/parcels/<str:reference>/packing-list.pdf", parcels.packing_list, name="packing_list"),
    path("service/<str:reference>/", tickets.ticket, name="ticket"),
    path("service/<str:reference>/live/", tickets.live, name="live"),
    path("service/<str:reference>/write/", tickets.write, name="write"),
    path("service/<str:reference>/estimate/<int:number>/", tickets.answer_estimate, name="estimate"),
    path("service/<str:reference>/cancel/", tickets.cancel, name="cancel"),
    path("service/<str:reference>/standard/", tickets.standard, name="standard"),
    path("service/<str:reference>/loan/", loans.loan, name="loan"),
]

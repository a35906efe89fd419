from django.urls import path

from cps_portal.core.lib.language_choice import in_each_language
from servicing.views import centres, entitlement, follow_ups, loans, parcels, requests, tickets

app_name = "servicing"
urlpatterns = [
    path(in_each_language("centres/"), centres.centre_list, name="centres"),
    path(in_each_language("centres/<slug:slug>/"), centres.centre_detail, name="centre"),
    path("service/", tickets.ticket_list, name="list"),
    path("service/product/<int:pk>/", tickets.ticket_of_registration, name="of_registration"),
    path("service/new/", requests.new_request, name="new"),
    path("service/check/", entitlement.check_entitlement, name="check"),
    path("service/entitlement/<int:pk>/", entitlement.entitlement_summary, name="entitlement_summary"),
    path("service/history/<int:pk>/", follow_ups.product_history, name="history"),
    path("service/parcels/<str:reference>/", parcels.parcel_detail, name="parcel"),
    path("service/parcels/<str:reference>/sent/", parcels.mark_sent, name="parcel_sent"),
    path("service/parcels/<str:reference>/shipping/", parcels.change_shipping, name="parcel_shipping"),
    path("service/parcels/<str:reference>/cancel/", parcels.cancel_parcel, name="parcel_cancel"),
    path("service/parcels/<str:reference>/label.pdf", parcels.shipping_label, name="label"),
    path("service/parcels/<str:reference>/calendar.ics", parcels.calendar_entry, name="parcel_calendar"),
    path("service/parcels/<str:reference>/packing-list.pdf", parcels.packing_list, name="packing_list"),
    path("service/<str:reference>/", tickets.ticket_detail, name="ticket"),
    path("service/<str:reference>/live/", tickets.ticket_updates, name="live"),
    path("service/<str:reference>/write/", tickets.write, name="write"),
    path("service/<str:reference>/estimate/<int:number>/", tickets.answer_estimate, name="estimate"),
    path("service/<str:reference>/estimate/<int:number>.pdf", tickets.estimate_pdf, name="estimate_pdf"),
    path("service/<str:reference>/delivered/", tickets.report_delivery, name="delivered"),
    path("service/<str:reference>/cancel/", tickets.cancel_ticket, name="cancel"),
    path("service/<str:reference>/same-fault/", follow_ups.same_fault, name="same_fault"),
    path("service/<str:reference>/report.pdf", follow_ups.service_report, name="report"),
    path("service/<str:reference>/standard/", tickets.choose_standard, name="standard"),
    path("service/<str:reference>/loan/", loans.loan_page, name="loan"),
]

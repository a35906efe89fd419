from django.urls import path

from members.offers.presenters.card_pdf import as_pdf, as_pdf_to_cut
from members.offers.views import cards, offers, packs

app_name = "offers"
urlpatterns = [
    path("offers/welcome-pack/", packs.pack, name="pack"),
    path("offers/welcome-pack/received/", packs.received, name="pack_received"),
    path("offers/welcome-pack/again/", packs.correct, name="pack_again"),
    path("offers/welcome-pack/missing/", packs.missing, name="pack_missing"),
    path("offers/", offers.offers, name="list"),
    path("offers/<slug:slug>/", offers.offer, name="offer"),  # after the Welcome Pack's
    path("offers/<slug:slug>/event.ics", offers.calendar, name="calendar"),
    path("card/", cards.card, name="card"),
    path("card/print.pdf", cards.card_pdf, {"prepare": as_pdf_to_cut}, name="card_pdf"),
    path("card/card.pdf", cards.card_pdf, {"prepare": as_pdf}, name="card_pdf_real_size"),
    path("card/lost/", cards.card_lost, name="card_lost"),
    path("card/again/", cards.card_again, name="card_again"),
]

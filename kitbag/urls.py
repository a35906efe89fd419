from django.urls import path

from kitbag.views import adding, ahead, appealing, finishing, listing, points, polling, product, what_if

app_name = "kitbag"
urlpatterns = [
    path("", listing.kit_list, name="list"),
    path("add/", adding.add, name="add"),
    path("add/search/", adding.search, name="search"),
    path("add/pick/", adding.pick, name="pick"),
    path("add/country/", finishing.country_note, name="country_note"),
    path("points/", points.points, name="points"),
    path("ahead/", ahead.ahead, name="ahead"),
    path("what-if/", what_if.what_if, name="what_if"),
    path("<int:pk>/", product.product, name="product"),
    path("<int:pk>/finish/", finishing.finish, name="finish"),
    path("<int:pk>/serial/", finishing.serial_check, name="serial_check"),
    path("<int:pk>/unpick/", adding.unpick, name="unpick"),
    path("<int:pk>/remove/", product.remove, name="remove"),
    path("<int:pk>/appeal/", appealing.appeal, name="appeal"),
    path("<int:pk>/reopen/", product.reopen, name="reopen"),
    path("<int:pk>/row/", polling.row_state, name="row"),
]

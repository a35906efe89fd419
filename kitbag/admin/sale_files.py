"""Staff load a retailer's sales from a CSV file (R54, R55)."""

from django import forms
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin_files import FilePage, Loaded
from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.forms import LineField
from cps_portal.core.lib.sheet_forms import DayField, RowForm, SheetForm
from cps_portal.core.lib.spreadsheets import LineError
from cps_portal.core.lib.text import clean_code
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner
from kitbag.actions.sale_files import SaleLine, load_sales
from kitbag.admin.staff import staff_user
from kitbag.models import Product

LOAD = "kitbag.load_sale"
EXAMPLE = {
    "external_id": "JNB-2026-0041",
    "product": "eos-r5-mark-ii",
    "serial": "012345678901",
    "country": "ZA",
    "sold_on": "2026-03-31",
    "receipt": "R-100234",
}


class SaleRowForm(RowForm):
    """The columns of a sale: the fields of `confirmSale`."""

    external_id = LineField(
        max_length=100, help_text=_("The shop’s own number of this sale. The same number is the same sale.")
    )
    product = LineField(max_length=200, help_text=_("Its slug, as on the product’s page, or its name."))
    serial = forms.CharField(max_length=40, help_text=_("As on the product. Format the column as text."))
    country = forms.CharField(max_length=60, help_text=_("Where it was sold, by its ISO code, such as ZA."))
    sold_on = DayField(help_text=_("A day such as 2026-03-31."))
    receipt = LineField(max_length=60, help_text=_("The number of the receipt."))

    def clean_product(self) -> Product:
        text = self.cleaned_data["product"].strip()
        product = Product.objects.filter(slug=text.lower()).first()
        product = product or Product.objects.filter(name__iexact=text).first()
        if product is None:
            raise ValidationError(_("There is no such product. Look it up in the catalogue."))
        return product

    def clean_serial(self) -> str:
        return clean_code(self.cleaned_data["serial"]).strip()

    def clean_country(self) -> str:
        code: str = clean_code(self.cleaned_data["country"]).strip()
        if code not in {known for known, _name in list_countries()}:
            raise ValidationError(_("Write the country by its ISO code, such as ZA."))
        return code


class SaleFileForm(SheetForm):
    row_form = SaleRowForm
    partner = forms.ModelChoiceField(
        Partner.objects.filter(kind=PartnerKind.RETAILER, active=True),
        label=_("Retailer"),
        error_messages={"required": _("Choose whose sales these are.")},
    )
    field_order = ["partner", "file", "text"]


class SaleFiles(FilePage):
    file_row_form = SaleRowForm
    file_name = "sales"
    file_examples = (EXAMPLE,)

    def by_file(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(LOAD):
            raise PermissionDenied
        words = {
            "title": _("Sales by file"),
            "intro": _(
                "For a retailer without a system of its own: each line is checked and recorded as if the retailer had "
                "sent it. A sale that matches a registration makes it count."
            ),
            "template_url": reverse("admin:kitbag_sale_template"),
        }
        return self.file_page(request, SaleFileForm(request.POST or None, request.FILES or None), words)

    def by_file_template(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(LOAD):
            raise PermissionDenied
        return self.template_file()

    def load_lines(self, request: HttpRequest, form: SheetForm) -> Loaded:
        lines = [SaleLine(number, details) for number, details in form.lines]
        loaded = load_sales(partner=form.cleaned_data["partner"], lines=lines, at=timezone.now())
        if loaded.new:
            user = staff_user(request)
            LogEntry.objects.log_actions(user.pk, loaded.new, ADDITION, change_message=gettext("Loaded from a file."))
        return Loaded(
            new=len(loaded.new),
            known=loaded.known,
            refused=[LineError(*line) for line in loaded.refused],
            warnings=[LineError(*line) for line in loaded.warnings],
        )

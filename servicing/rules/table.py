"""The entitlement table of docs/servicing.md: what each level gets, by kind of product and centre."""

from collections.abc import Mapping

from kitbag.enums import VideoClass
from members.rules import Benefits, Treatment
from servicing.enums import CentreKind, ServiceKind
from servicing.rules.entitlement import CentreFacts, Entitlement, ProductFacts, Standing, entitlement

KIND = "any"
PRODUCTS = {"stills": "", "Cinema EOS, X series": VideoClass.CINEMA_EOS.value}
CENTRES = {"PSC, CEC": CentreKind.PSC, "ASP": CentreKind.ASP}
HEAD = (
    "| Level | Product | Centre | Repair | Maintenance, upgrade | Off maintenance | Free return | Loan |\n"
    "|---|---|---|---|---|---|---|---|"
)


def entitlement_table(benefits: Mapping[str, Benefits]) -> str:
    """In Markdown, for chargeable repairs of validated Fast Track models with a free place."""
    rows = [HEAD]
    for level, benefit in benefits.items():
        for product, video in PRODUCTS.items():
            for name, kind in CENTRES.items():
                repair, maintenance = (
                    entitlement(
                        treatment=Treatment.BENEFITS,
                        benefits=benefit,
                        product=ProductFacts(KIND, fast_track_model=True, video_class=video),
                        centre=CentreFacts(kind, products=(KIND,)),
                        service=service,
                        standing=Standing.VALIDATED,
                    )
                    for service in (ServiceKind.REPAIR, ServiceKind.MAINTENANCE)
                )
                cells = (
                    level,
                    product,
                    name,
                    _days(repair),
                    _days(maintenance),
                    f"{maintenance.discount} %" if maintenance.discount else "",
                    "yes" if repair.free_return else "",
                    "yes" if repair.courtesy_loan else "",
                )
                rows.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(rows)


def _days(answer: Entitlement) -> str:
    return f"**{answer.target_days}**" if answer.is_fast_track else f"about {answer.target_days}"

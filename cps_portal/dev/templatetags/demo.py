"""`{% demo_code user %}` on the pages that ask for a code."""

from django import template

from cps_portal.dev.demo.second_factors import Code, current_code
from members.models import User

register = template.Library()


@register.inclusion_tag("demo/_code.html")
def demo_code(user: User | None) -> dict[str, Code | None]:
    return {"code": current_code(user)}

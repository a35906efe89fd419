"""Fast Track targets by level (R3, R43, R44)."""

from members.enums import Programme
from members.models import CountryProgramme, LevelBenefit, Member


def fast_track_days_by_level(member: Member) -> dict[str, int | None]:
    """The Fast Track target of each level in the member's country, in working days.

    Whether a product is eligible is not considered here: `rules.target_days` does that.
    """
    programme = CountryProgramme.objects.in_force().filter(country=member.country).first()
    if programme is None or programme.kind != Programme.FREE:
        return {}
    benefits = LevelBenefit.objects.filter(
        service_level=programme.service_level, country__in=["", member.country.code]
    ).order_by("country")  # the row of the country comes after the general one, so it wins in the dict
    return {benefit.level: benefit.fast_track_days for benefit in benefits}

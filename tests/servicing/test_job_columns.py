"""Where the panels of a member's job stand, so that both columns end together (R54)."""

from servicing.presenters.job_columns import EVEN, SidePanel, balance

FACTS, PAPERS, PARCELS = (
    SidePanel(name, height) for name, height in (("facts", 400), ("papers", 130), ("parcels", 250))
)
LOAN = SidePanel("loan", 300, leads=True)


def test_panels_stay_at_home_while_the_columns_end_together() -> None:
    columns = balance([LOAN, FACTS, PAPERS], main=1000, rest=724 + EVEN)
    assert (columns.lead, columns.rest) == ([LOAN], [FACTS, PAPERS])
    assert (columns.top, columns.main) == ([], [])


def test_as_much_goes_to_the_other_column_as_makes_them_even() -> None:
    assert balance([FACTS, PAPERS, PARCELS], main=500, rest=270).main == [PARCELS]
    assert balance([FACTS, PAPERS, PARCELS], main=700, rest=1000).main == [FACTS, PAPERS]
    assert balance([LOAN, FACTS], main=1500, rest=700).top == [LOAN]


def test_what_can_grow_takes_what_is_left() -> None:
    assert balance([FACTS], main=400, rest=700).main == [FACTS]
    assert balance([FACTS], main=400, rest=700, stretch=700).main == []

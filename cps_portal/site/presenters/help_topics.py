"""Questions and answers of the help page (R57). Every number is a format value; `facts` in `help.py` gives them."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class HelpLink:
    """A link to the page that does what the answer is about. `query` is its query string, without the `?`."""

    label: str | Promise
    page: str
    query: str = ""


@dataclass(frozen=True)
class HelpAnswer:
    """A question with its answer. `key` is its anchor; `words` are other words that people search it by."""

    key: str
    question: str | Promise
    paragraphs: tuple[str | Promise, ...]
    links: tuple[HelpLink, ...]
    words: str | Promise = ""


@dataclass(frozen=True)
class HelpTopic:
    key: str
    title: str | Promise
    answers: tuple[HelpAnswer, ...]


ADD = HelpLink(_("Add your kit"), "kitbag:add")
KITBAG = HelpLink(_("Your Kitbag"), "kitbag:list")
CENTRES = HelpLink(_("Find a centre"), "servicing:centres")
CONTACT = HelpLink(_("Write to us"), "cases:contact")
JOIN = HelpLink(_("Join"), "home")
OFFERS = HelpLink(_("Offers"), "offers:list")
TERMS = HelpLink(_("How we count the days"), "terms")

ABOUT = HelpTopic(
    "about",
    _("About CPS"),
    (
        HelpAnswer(
            "what-is-cps",
            _("What is CPS?"),
            (
                _(
                    "Canon Professional Services looks after people who work with Canon cameras: fast repairs, events"
                    " and offers. There are two programmes. In %(free_countries)s countries of Europe, the Middle East"
                    " and Africa it’s free, and that’s this one. In %(subscription_countries)s it’s a paid"
                    " subscription, run separately."
                ),
            ),
            (HelpLink(_("Which one does my country have?"), "home"),),
            _("programme subscription free country"),
        ),
        HelpAnswer(
            "who-can-join",
            _("Who can join?"),
            (
                _(
                    "Anyone of %(adult_age)s or over who works with Canon kit, full time or part time, with an address"
                    " in a country of the free programme. Nobody vets you. You’re a member the moment you sign up."
                ),
            ),
            (JOIN,),
            _("semi-professional amateur age membership"),
        ),
        HelpAnswer(
            "is-it-free",
            _("Is it free?"),
            (
                _(
                    "Yes. Joining is free and stays free. Your level comes from the kit you own, not from money. In"
                    " subscription countries the programme has a yearly price."
                ),
            ),
            (JOIN,),
            _("cost price fee pay"),
        ),
        HelpAnswer(
            "little-kit",
            _("Can I join with little or no kit?"),
            (
                _("Yes. You start as a %(first_level)s member with nothing registered."),
                _("%(next_level)s starts at %(next_level_points)s points, and that’s where it starts to pay."),
            ),
            (JOIN, HelpLink(_("Try what your kit would give"), "kitbag:what_if")),
            _("start beginner nothing"),
        ),
    ),
)

POINTS = HelpTopic(
    "points",
    _("Points and levels"),
    (
        HelpAnswer(
            "blue-dot",
            _("What does the blue dot mean?"),
            (
                _(
                    "It’s your turn. Something is missing for that product, so its points are greyed out and don’t"
                    " count yet. Tap it, and you land on the field that’s waiting for you."
                ),
            ),
            (HelpLink(_("What’s waiting for you"), "kitbag:list", "show=turn"),),
            _("your turn missing details"),
        ),
        HelpAnswer(
            "what-are-points",
            _("What are points, and how do they work?"),
            (
                _(
                    "Most photo and video products earn points: you can register %(products)s of them. Add yours, and"
                    " the points set your level. Points can go down over time, and they can’t be redeemed or exchanged."
                ),
            ),
            (ADD,),
            _("redeem exchange transfer"),
        ),
        HelpAnswer(
            "levels",
            _("How many points does each level need?"),
            (_("%(levels)s points."),),
            (HelpLink(_("Your points"), "kitbag:points"),),
            _("red silver gold platinum threshold"),
        ),
        HelpAnswer(
            "greyed-points",
            _("Why are some points greyed out?"),
            (
                _(
                    "They don’t count yet. Either a detail is missing and the blue dot shows it, or we’re still"
                    " checking the product."
                ),
            ),
            (HelpLink(_("Points that wait"), "kitbag:points", "show=waiting"),),
            _("grey waiting validated"),
        ),
        HelpAnswer(
            "worth",
            _("How many points is my kit worth?"),
            (
                _(
                    "Add it and see: the points show before you type anything else. You can leave the details for"
                    " later. The points count once they’re there."
                ),
            ),
            (ADD, HelpLink(_("Try it without adding"), "kitbag:what_if")),
            _("value list of points"),
        ),
        HelpAnswer(
            "points-dropped",
            _("Why have my points dropped?"),
            (
                _(
                    "A product left your Kitbag, was superseded, can’t be serviced any more, or didn’t pass a check."
                    " Older products always keep some points."
                ),
            ),
            (HelpLink(_("Every change and its reason"), "kitbag:points"),),
            _("fewer fell lost down superseded discontinued"),
        ),
    ),
)

REGISTER = HelpTopic(
    "register",
    _("Registering kit"),
    (
        HelpAnswer(
            "what-i-need",
            _("What do I need to register a product?"),
            (
                _(
                    "Its serial number, the store, and the country and date of purchase. Keep your proof of purchase:"
                    " we may ask for it when you use a benefit or claim on a warranty, and for some products at random."
                ),
            ),
            (ADD,),
            _("details receipt invoice proof of purchase"),
        ),
        HelpAnswer(
            "which-products",
            _("Which products can I register?"),
            (
                _(
                    "%(products)s of them, old and new: cameras, lenses, flashes, printers, scanners, grips, remotes,"
                    " binoculars. Not batteries, ink, paper or bags. %(fast_track_products)s of them have Fast Track."
                ),
                _("Isn’t yours in the list? Try part of its name, or the name it has in another region."),
            ),
            (ADD,),
            _("catalogue old discontinued models not in the list"),
        ),
        HelpAnswer(
            "serial-number",
            _("Where’s the serial number?"),
            (
                _(
                    "On a camera body, on the sticker under the base. On a lens, near the mount, on the barrel or on"
                    " the rear ring. Every product’s page shows where to find its number."
                ),
            ),
            (KITBAG,),
            _("find label sticker"),
        ),
        HelpAnswer(
            "unusual-serial",
            _("It says my serial number looks unusual"),
            (
                _(
                    "Check it once more. If it’s right, tick the box and save: we’ll check it by hand within"
                    " %(review_days)s working days. The same goes for a date before the product came out."
                ),
            ),
            (HelpLink(_("What’s waiting for you"), "kitbag:list", "show=turn"),),
            _("wrong refused warning date"),
        ),
        HelpAnswer(
            "second-hand",
            _("Does second-hand kit count?"),
            (
                _(
                    "Yes. Register it like any other. For the store, give whoever sold it to you, even a private"
                    " seller."
                ),
                _("If it won’t go through, tell us the model, the serial number and what happens."),
            ),
            (ADD, HelpLink(_("Write to us"), "cases:contact", "topic=second_hand")),
            _("used private seller"),
        ),
        HelpAnswer(
            "bought-abroad",
            _("I bought it in another country"),
            (
                _(
                    "Register it as usual: it counts in full. For a local warranty repair you need the proof of"
                    " purchase. Kit from outside Europe, the Middle East and Africa, or from an unauthorised shop, has"
                    " no local warranty."
                ),
            ),
            (ADD,),
            _("import imported warranty grey market elsewhere"),
        ),
    ),
)

"""Questions about the card, Fast Track, travelling and support, and the order of all topics on the help page (R57)."""

from django.utils.translation import gettext_lazy as _

from cps_portal.site.presenters.help_topics import (
    ABOUT,
    CENTRES,
    CONTACT,
    JOIN,
    OFFERS,
    POINTS,
    REGISTER,
    TERMS,
    HelpAnswer,
    HelpLink,
    HelpTopic,
)

CARD = HelpTopic(
    "card",
    _("Card and Welcome Pack"),
    (
        HelpAnswer(
            "when-card",
            _("When do I get my card?"),
            (
                _(
                    "Both kinds come with %(next_level)s. On your phone: the same minute. Printed: in the Welcome Pack."
                    " It appears under Offers. Tell us there where to send it."
                ),
            ),
            (HelpLink(_("Your card"), "offers:card"), OFFERS),
            _("membership card plastic phone"),
        ),
        HelpAnswer(
            "in-the-pack",
            _("What’s in the Welcome Pack?"),
            (_("At the moment: %(pack_items)s. It can change without notice."),),
            (HelpLink(_("Your Welcome Pack"), "offers:pack"),),
            _("contents gift letter stickers cloth"),
        ),
        HelpAnswer(
            "pack-missing",
            _("My Welcome Pack hasn’t arrived"),
            (_("Please give it %(pack_weeks)s weeks. After that, one tap tells us, and we’ll trace it."),),
            (
                HelpLink(_("Your Welcome Pack"), "offers:pack"),
                HelpLink(_("Write to us"), "cases:contact", "topic=missing_pack"),
            ),
            _("late missing post four weeks"),
        ),
        HelpAnswer(
            "one-pack",
            _("Do I get a new card or pack when my level changes?"),
            (
                _("No. There’s one pack and one card for each member, whatever happens to the level."),
                _("The card on your phone always shows your level of today."),
            ),
            (HelpLink(_("Your card"), "offers:card"),),
            _("second another only one"),
        ),
        HelpAnswer(
            "lost-card",
            _("I’ve lost my card"),
            (_("Tell us and we’ll stop it and give you a new one. The old one stops working at once."),),
            (
                HelpLink(_("Report it lost"), "offers:card_lost"),
                HelpLink(_("Write to us"), "cases:contact", "topic=lost_card"),
            ),
            _("stolen stop replace"),
        ),
        HelpAnswer(
            "check",
            _("I work at a service desk. How do I check a card?"),
            (
                _(
                    "Scan the code on the card with any phone’s camera and open the page. You don’t need an account. It"
                    " shows whether the card is valid, the member’s level today and their initials, and nothing else."
                ),
                _(
                    "Look at the page’s address first: it has to be this site, the one you’re reading now. Then check"
                    " the initials against the person’s ID. A card that was lost and replaced shows “Not valid”."
                ),
            ),
            (CENTRES,),
            _("valid QR code verify"),
        ),
    ),
)

FAST_TRACK = HelpTopic(
    "fast",
    _("Fast Track and service"),
    (
        HelpAnswer(
            "fast-track",
            _("What is Fast Track, and is it guaranteed?"),
            (
                _(
                    "Your repair goes to the front: %(target_days)s. It’s for %(fast_track_products)s products that can"
                    " still be serviced. Open a product in your Kitbag to see your target."
                ),
                _(
                    "It’s a target, not a guarantee: a rare part can hold things up. Shipping isn’t counted, and the"
                    " product has to be registered and counted."
                ),
            ),
            (HelpLink(_("Request service"), "servicing:new"), TERMS),
            _("guaranteed quick repair turnaround shipping"),
        ),
        HelpAnswer(
            "who-gets-it",
            _("Who gets Fast Track, and where?"),
            (
                _(
                    "%(fast_track_levels)s members. Canon’s own centres do repairs, maintenance and upgrades on Fast"
                    " Track, partners only repairs. What your level gives can differ from country to country."
                ),
            ),
            (CENTRES,),
            _("level eligible country"),
        ),
        HelpAnswer(
            "how-many",
            _("How many products can be on Fast Track at once?"),
            (_("%(places)s at a time. As soon as one is ready, the next can take its place."),),
            (HelpLink(_("Your jobs"), "servicing:list"),),
            _("three limit places queue"),
        ),
        HelpAnswer(
            "without-fast-track",
            _("How long does it take without Fast Track?"),
            (_("About %(standard_days)s working days."),),
            (HelpLink(_("Request service"), "servicing:new"),),
            _("ten days standard red"),
        ),
        HelpAnswer(
            "video",
            _("Why does video take longer?"),
            (
                _(
                    "Cinema EOS and X series repairs are more complex and need special parts and tools, so"
                    " %(video_days)s days is the fastest for everyone."
                ),
            ),
            (TERMS,),
            _("five days cinema camcorder"),
        ),
        HelpAnswer(
            "discount",
            _("Do I get discounts and free return everywhere?"),
            (
                _("Only at Canon’s own centres. Discount on maintenance: %(discounts)s."),
                _("Chargeable repairs come back free of charge for %(free_return_levels)s members."),
                _("Partners may have offers of their own, so ask."),
            ),
            (CENTRES,),
            _("percent maintenance shipping postage"),
        ),
        HelpAnswer(
            "centres-and-partners",
            _("Canon centre or partner: what’s the difference?"),
            (
                _(
                    "Professional Service Centres (PSC) and Customer Experience Centres (CEC) are Canon’s own. They do"
                    " everything. Authorised Service Partners are independent workshops that Canon has trained for Fast"
                    " Track repairs."
                ),
                _("Canon’s own centres in the free programme: %(own_centres)s."),
                _("In subscription countries: %(other_centres)s. They help where they can; not every benefit applies."),
            ),
            (CENTRES,),
            _("PSC CEC ASP workshop"),
        ),
        HelpAnswer(
            "loan",
            _("What if you’re late?"),
            (
                _(
                    "%(loan_levels)s members can borrow a backup body or lens, free, until theirs is back. You don’t"
                    " have to ask: it turns up in “Your turn”."
                ),
            ),
            (HelpLink(_("Your jobs"), "servicing:list"),),
            _("backup loan borrow replacement missed"),
        ),
    ),
)

TRAVEL = HelpTopic(
    "travel",
    _("Travelling and moving"),
    (
        HelpAnswer(
            "abroad",
            _("Does my membership work abroad?"),
            (
                _(
                    "Yes, in all %(free_countries)s countries of the free programme, though benefits can differ. In"
                    " subscription countries the centres will do their best for you, but not every benefit applies."
                ),
                _("There are %(centres)s service centres in the free programme."),
            ),
            (HelpLink(_("Compare a country with home"), "going_to"), CENTRES),
            _("travelling travel trip"),
        ),
        HelpAnswer(
            "outside-region",
            _("Outside Europe, the Middle East and Africa?"),
            (_("Outside our region you may get priority service with a valid card. It may differ from home."),),
            (HelpLink(_("Your card abroad"), "card_abroad"),),
            _("America Asia priority service elsewhere"),
        ),
        HelpAnswer(
            "other-region",
            _("I’m a member in another world region"),
            (
                _(
                    "You can have some services and events here with a valid card. For everything, join again with an"
                    " address in one of our countries."
                ),
            ),
            (HelpLink(_("What you can have here"), "visiting_members"), JOIN, CENTRES),
            _("visiting member America Asia Japan"),
        ),
        HelpAnswer(
            "moving",
            _("I’m moving to another country"),
            (
                _(
                    "Change your country in your profile. You’ll see what you gain and lose before you confirm. Your"
                    " kit and its history always stay."
                ),
            ),
            (HelpLink(_("See what changes"), "moving"),),
            _("move relocate address"),
        ),
    ),
)

TALK = HelpTopic(
    "contact",
    _("Contact us"),
    (
        HelpAnswer(
            "answer-times",
            _("How fast do you answer?"),
            (_("A person answers you. We aim for this many working hours: %(answer_hours)s."),),
            (CONTACT,),
            _("support hours reply"),
        ),
    ),
)

TOPICS = (ABOUT, POINTS, REGISTER, CARD, FAST_TRACK, TRAVEL, TALK)

"""People are found as staff type their names, on any keyboard and in any order (R54)."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cps_portal.core.lib.folding import name_words, query_words
from members import actions
from members.models import Member
from tests.rows import each_row
from tests.world import World


def rename(member: Member, first: str, last: str = "") -> None:
    actions.change_profile(member=member, first_name=first, last_name=last)


FOUND = [
    ("Jan Hendrik", "van der Merwe", "van der Merwe"),
    ("Jan Hendrik", "van der Merwe", "Merwe"),
    ("Jan Hendrik", "van der Merwe", "Jan Hendrik van der Merwe"),
    ("Jan Hendrik", "van der Merwe", "merwe, jan"),
    ("Jan Hendrik", "van der Merwe", "VANDERMERWE"),
    ("Jan", "Vandermerwe", "van der Merwe"),
    ("عبد الله", "", "عبد الله"),
    ("عبد الله", "", "عبدالله"),
    ("عبدالله", "", "عبد الله"),
    ("محمّد", "أحمد", "محمد احمد"),
    ("مــحــمد", "", "محمد"),
    ("ﻻﻟﻪ", "", "لاله"),
    ("علی", "کریمی", "علي كريمي"),
    ("فاطمة", "", "فاطمه"),
    ("Işık", "Yılmaz", "isik yilmaz"),
    ("İlker", "", "ilker"),
    ("Ilker", "", "İLKER"),
    ("Minh", "Nguyễn", "Nguyen"),
    ("Anh", "Đỗ", "do anh"),
    ("Sean", "O’Brien", "O'Brien"),
    ("Sean", "O'Brien", "o`brien"),
    ("Sean", "O’Brien", "OBrien"),
    ("Sean", "O’Brien", "brien"),
    ("Kaʻiulani", "", "kaiulani"),
    ("Håkon", "Øyvind", "hakon oyvind"),
    ("Håkon", "Øyvind", "Haakon Oeyvind"),
    ("Anna", "Strauß", "strauss"),
    ("Anna", "Strauss", "Strauß"),
    ("Jürgen", "Müller", "Mueller Juergen"),
    ("Juergen", "Mueller", "Müller"),
    ("Łukasz", "Żak", "lukasz zak"),
    ("Novak", "Đorđević", "dordevic"),
    ("Novak", "Đorđević", "Djordjevic"),
    ("Björk", "Þórsdóttir", "thorsdottir"),
    ("Sofía", "Ñandú", "nandu"),
    ("Sofi\u0301a", "", "Sofía"),
    ("Μαρία", "Παπαδόπουλος", "ΜΑΡΙΑ παπαδοπουλοσ"),
    ("Ёлкин", "Андрей", "елкин андрей"),
    ("Дем’ян", "Їжак", "демян іжак"),
    ("Əli", "Əliyev", "Aliyev"),
    ("Jean-Pierre", "Lefèvre", "jean pierre lefevre"),
    ("Jean-Pierre", "Lefèvre", "Pierre"),
    ("Ewan", "McDonald", "Mc Donald"),
    ("Ewan", "Mc Donald", "McDonald"),
    ("J.R.R.", "St.John", "jrr st john"),
    ("山田", "太郎", "太郎"),
    ("山田太郎", "", "太郎"),
    ("김철수", "", "철수"),
    ("Ｊｏｈｎ", "", "john"),
    ("می\u200cخواهم", "", "میخواهم"),
    ("कृष्ण", "", "कृष्ण"),
    ("Ana\u200b", "", "\u202aana\u202c"),
    ("צ׳ארלי", "כהן", "צ'ארלי"),
    ("מֹשֶׁה", "", "משה"),
    ("ヤマダ", "タロウ", "やまだ たろう"),
    ("Ǽlfred", "Ǿ", "aelfred o"),
    ("Abd al-Rahman", "", "alrahman"),
    ("Frédéric", "D’Angelo", "frederic angelo"),
    ("Николай", "", "николай"),
    ("ТӨЛЕ", "БИ", "толе би"),
    ("Ana 2", "", "ana ٢"),
]


@each_row(("first", "last", "typed"), FOUND)
def test_every_word_typed_begins_a_word_of_the_name(world: World, first: str, last: str, typed: str) -> None:
    rename(world.ana, first, last)
    assert list(Member.objects.search(typed)) == [world.ana]


@each_row(
    ("first", "last", "typed"),
    [
        ("Jan", "van der Merwe", "erwe"),
        ("Jan", "van der Merwe", "Jan Smit"),
        ("Sean", "O’Brien", "o'bryan"),
        ("Андрей", "", "Андриан"),
        ("کیان", "", "کتاب"),
        ("かき", "", "がぎ"),
        ("Ana", "Example", "'; drop table members_member; --"),
        ("Ana", "Example", "…"),
        ("Ana", "Example", "\\' | 'b':*"),
        ("Ana", "Example", "\x00"),
    ],
)
def test_another_name_is_not_found(world: World, first: str, last: str, typed: str) -> None:
    rename(world.ana, first, last)
    assert world.ana not in Member.objects.search(typed)


@each_row("form", ["{0}", "{1}", " {1} ", "{2}", "{3}", "{4}"])
def test_a_number_is_found_in_groups_in_part_and_in_other_digits(world: World, form: str) -> None:
    number = world.ana.number
    arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    dashes = "-".join(number[at : at + 4] for at in range(0, 12, 4))
    typed = form.format(number, world.ana.number_in_groups, arabic, dashes, f"\u200e{number}")
    assert list(Member.objects.search(typed)) == [world.ana]
    assert world.ana in Member.objects.search(number[:6])


@each_row("typed", ["ana@example.org", "ANA@example", "Ana <ana@example.org>", "mailto:ana@example.org"])
def test_an_address_is_found_as_it_is_pasted(world: World, typed: str) -> None:
    assert list(Member.objects.search(typed)) == [world.ana]


def test_the_column_follows_every_way_of_saving_a_name(world: World) -> None:
    rename(world.ana, "Łukasz", "Żak")
    assert Member.objects.get(pk=world.ana.pk).name_words == name_words("Łukasz Żak")
    world.ana.first_name = "Erna"
    world.ana.save(update_fields=["first_name"])
    assert list(Member.objects.search("erna zak")) == [world.ana]
    world.ana.save()
    for member in Member.objects.all():
        assert member.name_words == name_words(member.full_name)


def test_a_search_of_many_words_stays_small() -> None:
    assert len(query_words("a " * 500)) <= 12
    assert len(name_words("ab " * 53)) <= 53


# Every list in the admin that shows people finds them by name: (list, what has to exist is not needed, only the search)
LISTS = [
    "members/member",
    "members/user",
    "members/levelchange",
    "members/notice",
    "members/termsacceptance",
    "account/emailaddress",
    "cases/case",
    "offers/welcomepack",
    "offers/card",
    "offers/signup",
    "kitbag/registration",
    "kitbag/pointsentry",
    "kitbag/adjustment",
    "kitbag/claim",
    "kitbag/appeal",
    "kitbag/handover",
    "kitbag/evidence",
    "kitbag/stolenreport",
    "kitbag/sighting",
    "kitbag/announcement",
    "members/thresholdannouncement",
    "servicing/ticket",
    "servicing/loan",
    "servicing/visitingmember",
]


@each_row("path", LISTS)
def test_every_list_of_the_admin_searches_people_by_the_column(as_root: Client, world: World, path: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = as_root.get(f"/admin/{path}/", {"q": "van der Merwe"})
    assert response.status_code == 200
    assert any("array_to_tsvector" in query["sql"] and "dermerwe" in query["sql"] for query in queries)

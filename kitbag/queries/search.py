"""Find products by fragments of their names, best match first (R15, R16)."""

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q

from kitbag.enums import Shelf, Stage
from kitbag.models import Product, ProductName
from kitbag.queries.search_terms import MIN_MISSPELT_LENGTH, SearchTerms, read_search

MAX_RESULTS = 20
MAX_TEXT_LENGTH = 100
MAIN_SHELVES = [Shelf.BODIES, Shelf.LENSES, Shelf.VIDEO, Shelf.FLASH]

MAX_NAMES = 5000
# Only fragments of this module are formatted into it; they contain parameter names and nothing from users. Scores are
# integers (thousandths), because numeric arithmetic would take longer than the search. The inner limits are for a text
# so short that it matches thousands of names: the user is still typing.
SEARCH_SQL = """
select product.*
from (
    select product_id, max({score}) as score
    from (select product_id, search_key, words from kitbag_productname where {fits} limit %(most_names)s) as name
    group by product_id
    order by score desc, product_id desc
    limit 500
) as found
join kitbag_product as product on product.id = found.product_id
where product.registrable
order by found.score + {preference} desc, product.released_year desc nulls last, product.slug
limit %(limit)s
"""
KIND_SQL = """
select product.*
from kitbag_product as product
where product.registrable and ({is_kind} or {is_named})
order by {preference} + case when {is_named} then 30 else 0 end desc,
    product.released_year desc nulls last, product.slug
limit %(limit)s
"""
NAMED_SQL = "product.id in (select product_id from kitbag_productname where {fits})"
# Who types a lens without its mount means today's; a body's neighbour in the catalogue is another body.
PREFERENCE = """
case when product.shelf = any(%(main_shelves)s) then 1500 else 0 end
+ case when product.stage = %(current)s then 120 else 0 end
+ case when product.fast_track_model then 40 else 0 end
+ case product.category
    when 'lens-rf' then 400 when 'lens-rf-s' then 350 when 'lens-ef' then 250 when 'lens-ef-s' then 230
    when 'lens-ts-e' then 220 when 'lens-ef-m' then 210 when 'lens-cinema' then -100 when 'lens-broadcast' then -100
    else 0 end
"""
KIND_SCORE, GENERAL_KIND_SCORE = 6000, 3000  # more than names can make, so that no other kind is above the right one


def search_products(text: str, *, limit: int = MAX_RESULTS) -> list[Product]:
    """The registrable products with a name, or an alias, that matches every token of the text.

    Tokens may come in any order, and words may be incomplete; numbers have to be exact. Words for a kind of product
    ("lens", "objectif") put products of this kind first. If nothing matches, words may have a small mistake. Any text
    is safe; a text without tokens finds nothing.
    """
    text = text[:MAX_TEXT_LENGTH]
    terms = read_search(text)
    products = _find(terms, limit=limit)
    if products:
        return products
    corrected = read_search(text, correct=True)
    if corrected != terms:
        products = _find(corrected, limit=limit)
    if not products and any(_may_be_misspelt(token) for token in corrected.tokens):
        products = list(Product.objects.raw(*search_statement(corrected, limit=limit, fuzzy=True)))
    return products


def _find(terms: SearchTerms, *, limit: int) -> list[Product]:
    if not terms.words:
        return list(Product.objects.raw(*_kind_statement(terms, limit=limit))) if terms.kinds else []
    return list(Product.objects.raw(*search_statement(terms, limit=limit, fuzzy=False)))


def product_matches(text: str, *, product: str) -> Q:
    """The condition, for lists, that a row's product has a name with every token and is of the kinds that are named.

    `product` is the path to the product: "product__", or "" for products themselves.
    """
    terms = read_search(text[:MAX_TEXT_LENGTH])
    condition = Q(pk__isnull=bool(not terms.words and not terms.kinds))
    if terms.words:
        names = ProductName.objects.filter(product=OuterRef(f"{product}pk"))
        for fragment in terms.fragments():
            names = names.filter(search_key__contains=fragment)
        condition &= Q(Exists(names))
    for kind in terms.kinds:
        beginnings = (Q(**{f"{product}category__startswith": category.rstrip("%")}) for category in kind.categories)
        condition &= reduce(or_, beginnings)
    return condition


def search_statement(terms: SearchTerms, *, limit: int, fuzzy: bool) -> tuple[str, dict[str, object]]:
    """The SQL and its parameters."""
    tokens = terms.tokens
    preference, params = _preference(terms)
    params |= {
        "limit": limit,
        "most_names": MAX_NAMES,
        "run": f"% {' '.join(tokens)} %",
        "end": f"% {' '.join(tokens)} |%",
        "count": len(tokens),
        "scored": len(tokens) + len(terms.kind_tokens),
    }
    fits = [_fit(fragment, number, params, fuzzy=fuzzy) for number, fragment in enumerate(terms.fragments())]
    scores = [
        _score(token, place, params, fuzzy=fuzzy and place < len(tokens))
        for place, token in enumerate([*tokens, *terms.kind_tokens])
    ]
    score = (
        f"({' + '.join(scores)}) / %(scored)s"
        " + case when search_key like %(end)s then 650 when search_key like %(run)s then 500 else 0 end"
        " - 50 * abs(words - %(count)s)"
    )
    if focal_length := terms.focal_length():
        params["prime"] = f"% {focal_length}mm %"
        score += " + case when search_key like %(prime)s then 300 else 0 end"
    return SEARCH_SQL.format(score=score, fits=" and ".join(fits), preference=preference), params


def _kind_statement(terms: SearchTerms, *, limit: int) -> tuple[str, dict[str, object]]:
    """The SQL and its parameters for a text of nothing but kinds: products of them, and those that have their name."""
    preference, params = _preference(terms)
    params |= {"limit": limit}
    params |= {f"begun{place}": f"% {token}%" for place, token in enumerate(terms.kind_tokens)}
    is_kind = " or ".join(f"product.category like any(%(kind{place})s)" for place in range(len(terms.kinds)))
    fits = " and ".join(f"search_key like %(begun{place})s" for place in range(len(terms.kind_tokens))) or "false"
    return KIND_SQL.format(is_kind=is_kind, is_named=NAMED_SQL.format(fits=fits), preference=preference), params


def _preference(terms: SearchTerms) -> tuple[str, dict[str, object]]:
    """The SQL for what a product is worth besides its name, and its parameters."""
    sql = PREFERENCE
    params: dict[str, object] = {"main_shelves": MAIN_SHELVES, "current": Stage.CURRENT}
    for place, kind in enumerate(terms.kinds):
        params[f"kind{place}"] = list(kind.categories)
        params[f"kind_score{place}"] = GENERAL_KIND_SCORE if kind.is_general else KIND_SCORE
        sql += f"+ case when product.category like any(%(kind{place})s) then %(kind_score{place})s else 0 end\n"
    return sql, params


def _fit(fragment: str, number: int, params: dict[str, object], *, fuzzy: bool) -> str:
    """The SQL condition that a name has the fragment. Adds its parameter."""
    if fuzzy and _may_be_misspelt(fragment.strip()):
        params[f"fit{number}"] = fragment.strip()
        # `<%%` can use the index; its threshold is an option of the connection (see DATABASES in the settings).
        return f"%(fit{number})s <%% search_key"
    params[f"fit{number}"] = f"%{fragment}%"
    return f"search_key like %(fit{number})s"


def _score(token: str, place: int, params: dict[str, object], *, fuzzy: bool) -> str:
    """The SQL of how well a name matches the token, from 0 to 1000. Adds its parameters."""
    params |= {f"whole{place}": f"% {token} %", f"begun{place}": f"% {token}%", f"token{place}": token}
    whole, begun = f"search_key like %(whole{place})s", f"search_key like %(begun{place})s"
    if fuzzy and _may_be_misspelt(token):
        return f"case when {whole} then 1000 else (600 * word_similarity(%(token{place})s, search_key))::int end"
    return f"case when {whole} then 1000 when {begun} then 600 else 0 end"


def _may_be_misspelt(token: str) -> bool:
    return token.isalpha() and len(token) >= MIN_MISSPELT_LENGTH

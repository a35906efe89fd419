"""Find products by fragments of their names, best match first (R15, R16)."""

import re

from kitbag.enums import Shelf, Stage
from kitbag.models import Product
from kitbag.queries.search_terms import MIN_MISSPELT_LENGTH, SearchTerms, read_search

MAX_TEXT_LENGTH = 100
APERTURE = "f"  # not as the first token, and not in "9000f", where it is a part of the name
MAIN_SHELVES = [Shelf.BODIES, Shelf.LENSES, Shelf.VIDEO, Shelf.FLASH]
# A word such as "r5" or "5d" that has to stand in a name as it is. "rf50" and "ef70" don't have to.
MODEL_WORD = re.compile(r"(?!rf|ef|fd|fl)[a-z]{1,2} \d+( .*)?|\d+ (d|ds|da)( .*)?")

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
where product.registrable and ({is_kind} or product.id in (select product_id from kitbag_productname where {fits}))
order by {preference} desc, product.released_year desc nulls last, product.slug
limit %(limit)s
"""
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


def search_products(text: str, *, limit: int = 20) -> list[Product]:
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
    fits, scores = [], []
    optional = _aperture_places(terms)
    for place, token in enumerate([*tokens, *terms.kind_tokens]):
        params |= {f"whole{place}": f"% {token} %", f"begun{place}": f"% {token}%", f"token{place}": token}
        fit, score = _token_sql(
            token, place, is_last=place == len(tokens) - 1 and not (token.isdigit() and terms.is_finished), fuzzy=fuzzy
        )
        if place < len(tokens) and place not in optional:
            fits.append(fit)
        scores.append(score)
    for place, word in enumerate(terms.words):
        joined = " ".join(word)
        if MODEL_WORD.fullmatch(joined):
            is_begun = place == len(terms.words) - 1 and not (word[-1].isdigit() and terms.is_finished)
            params[f"model{place}"] = f"% {joined}%" if is_begun else f"% {joined} %"
            fits.append(f"search_key like %(model{place})s")
    score = (
        f"({' + '.join(scores)}) / %(scored)s"
        " + case when search_key like %(end)s then 650 when search_key like %(run)s then 500 else 0 end"
        " - 50 * abs(words - %(count)s)"
    )
    return SEARCH_SQL.format(score=score, fits=" and ".join(fits), preference=preference), params


def _aperture_places(terms: SearchTerms) -> set[int]:
    """The places of tokens that are the f of an aperture, which names don't have."""
    places, place = set(), 0
    for word in terms.words:
        places |= {place + n for n, token in enumerate(word) if token == APERTURE and (n == 0 or n < len(word) - 1)}
        place += len(word)
    return places - {0}


def _kind_statement(terms: SearchTerms, *, limit: int) -> tuple[str, dict[str, object]]:
    """The SQL and its parameters for a text of nothing but kinds: products of them, and those that have their name."""
    preference, params = _preference(terms)
    params |= {"limit": limit}
    params |= {f"begun{place}": f"% {token}%" for place, token in enumerate(terms.kind_tokens)}
    is_kind = " or ".join(f"product.category like any(%(kind{place})s)" for place in range(len(terms.kinds)))
    fits = " and ".join(f"search_key like %(begun{place})s" for place in range(len(terms.kind_tokens))) or "false"
    return KIND_SQL.format(is_kind=is_kind, fits=fits, preference=preference), params


def _preference(terms: SearchTerms) -> tuple[str, dict[str, object]]:
    """The SQL for what a product is worth besides its name, and its parameters."""
    sql = PREFERENCE
    params: dict[str, object] = {"main_shelves": MAIN_SHELVES, "current": Stage.CURRENT}
    for place, kind in enumerate(terms.kinds):
        params[f"kind{place}"] = list(kind.categories)
        params[f"kind_score{place}"] = GENERAL_KIND_SCORE if kind.is_general else KIND_SCORE
        sql += f"+ case when product.category like any(%(kind{place})s) then %(kind_score{place})s else 0 end\n"
    return sql, params


def _token_sql(token: str, place: int, *, is_last: bool, fuzzy: bool) -> tuple[str, str]:
    """The SQL condition that a name matches the token, and its score from 0 to 1000."""
    whole, begun, similar = (
        f"search_key like %(whole{place})s",
        f"search_key like %(begun{place})s",
        f"word_similarity(%(token{place})s, search_key)",
    )
    score = f"case when {whole} then 1000 when {begun} then 600 else 0 end"
    if fuzzy and _may_be_misspelt(token):
        # `<%%` can use the index; its threshold is an option of the connection (see DATABASES in the settings).
        return f"%(token{place})s <%% search_key", f"case when {whole} then 1000 else (600 * {similar})::int end"
    if is_last or (len(token) > 1 and "." not in token):
        return begun, score
    return whole, score


def _may_be_misspelt(token: str) -> bool:
    return token.isalpha() and len(token) >= MIN_MISSPELT_LENGTH

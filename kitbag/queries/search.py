"""Find products by fragments of their names, best match first (R15, R16)."""

from kitbag import rules
from kitbag.enums import Shelf, Stage
from kitbag.models import Product

MAX_TEXT_LENGTH = 100
MAX_TOKENS = 12
SHORTEST_FUZZY = 4  # letters; a shorter word with a mistake cannot be recognised
APERTURE = {"f"}  # not as the first token, it may be the beginning of "f/2.8" just as well as a part of the name
DESCRIBING = {  # words that shops and people add to a name: they improve the order but don't have to match
    "binocular",
    "binoculars",
    "body",
    "camera",
    "dslr",
    "flash",
    "kit",
    "mirrorless",
    "only",
    "printer",
    "scanner",
}
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
order by found.score
    + case when product.shelf = any(%(main_shelves)s) then 60 else 0 end
    + case when product.stage = %(current)s then 40 else 0 end
    + case when product.fast_track_model then 40 else 0 end desc,
    product.released_year desc nulls last, product.slug
limit %(limit)s
"""


def search_products(text: str, *, limit: int = 20) -> list[Product]:
    """The registrable products with a name, or an alias, that matches every token of the text.

    Tokens may come in any order, and words may be incomplete; numbers have to be exact. If nothing matches, words may
    have a small mistake. Any text is safe; a text without tokens finds nothing.
    """
    tokens = rules.name_tokens(text[:MAX_TEXT_LENGTH])[:MAX_TOKENS]
    if not tokens:
        return []
    products = list(Product.objects.raw(*search_statement(tokens, limit=limit, fuzzy=False)))
    if not products and any(_may_be_misspelt(token) for token in tokens):
        products = list(Product.objects.raw(*search_statement(tokens, limit=limit, fuzzy=True)))
    return products


def search_statement(tokens: list[str], *, limit: int, fuzzy: bool) -> tuple[str, dict[str, object]]:
    """The SQL and its parameters."""
    fits, scores = [], []
    params: dict[str, object] = {
        "limit": limit,
        "most_names": MAX_NAMES,
        "main_shelves": MAIN_SHELVES,
        "current": Stage.CURRENT,
        "run": f"% {' '.join(tokens)} %",
        "end": f"% {' '.join(tokens)} |%",
        "count": len(tokens),
    }
    has_name = any(token not in DESCRIBING for token in tokens)
    for place, token in enumerate(tokens):
        params |= {f"whole{place}": f"% {token} %", f"begun{place}": f"% {token}%", f"token{place}": token}
        optional = (token in DESCRIBING and has_name) or (token in APERTURE and place > 0)
        fit, score = _token_sql(token, place, is_last=place == len(tokens) - 1, fuzzy=fuzzy)
        fits += [] if optional else [fit]
        scores.append(score)
    score = (
        f"({' + '.join(scores)}) / %(count)s"
        " + case when search_key like %(end)s then 650 when search_key like %(run)s then 500 else 0 end"
        " - 40 * abs(words - %(count)s)"
    )
    return SEARCH_SQL.format(score=score, fits=" and ".join(fits)), params


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
    if token.isalpha() or ("." not in token and (len(token) > 1 or is_last)):
        return begun, score
    return whole, score


def _may_be_misspelt(token: str) -> bool:
    return token.isalpha() and len(token) >= SHORTEST_FUZZY

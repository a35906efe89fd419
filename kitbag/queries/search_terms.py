"""What a search asks for: words and numbers of names, and kinds of products in words of many languages (R16)."""

import re
from dataclasses import dataclass, field

from kitbag import rules
from kitbag.catalogue.search_words_reader import SearchWord, search_words

MAX_TOKENS = 12
MAX_PHRASE_WORDS = 4
MIN_MISSPELT_LENGTH = 4  # letters; a shorter word with a mistake cannot be recognised
ARABIC_ARTICLE = "ال"
APERTURE = "f"  # not as the first token, and not in "9000f", where it is a part of the name
# A word such as "r5" or "5d" that has to stand in a name as it is. "rf50" and "ef70" don't have to.
MODEL_WORD = re.compile(r"(?!rf|ef|fd|fl)[a-z]{1,2} \d+( .*)?|\d+ (d|ds|da)( .*)?")


@dataclass(frozen=True)
class SearchTerms:
    """`words` are tokens, by the word in which they stood; all have to be in a name. `kinds` only decide the order."""

    words: list[list[str]]
    kinds: list[SearchWord] = field(default_factory=list)
    kind_tokens: list[str] = field(default_factory=list)  # the kinds as words, which a name may have too
    is_finished: bool = False  # the last number is whole, not the beginning of a longer one

    @property
    def tokens(self) -> list[str]:
        return [token for word in self.words for token in word]

    def fragments(self) -> list[str]:
        """What a search key has to contain: tokens with a blank before them, and behind them if they are complete."""
        fragments = []
        for number, word in enumerate(self.words):
            is_last_word = number == len(self.words) - 1
            joined = " ".join(word)
            if MODEL_WORD.fullmatch(joined):
                fragments.append(self._fragment(joined, is_last=is_last_word))
                continue
            for place, token in enumerate(word):
                is_last = place == len(word) - 1
                if token == APERTURE and (number or place) and not (is_last and place):
                    continue
                fragments.append(self._fragment(token, is_last=is_last_word and is_last))
        return fragments

    def focal_length(self) -> str:
        """The only number, if it may be a focal length: a lens that has no other is then meant rather than a zoom."""
        words = [word for word in self.words if not MODEL_WORD.fullmatch(" ".join(word))]
        numbers = [token for word in words for token in word if token.isdigit() and len(token) > 1]
        return numbers[0] if len(numbers) == 1 else ""

    def _fragment(self, tokens: str, *, is_last: bool) -> str:
        is_complete = " " in tokens or "." in tokens or len(tokens) == 1
        if is_last:  # it is still being typed, unless it is a numeral
            is_complete = is_complete and self.is_finished and tokens[-1].isdigit()
        return f" {tokens} " if is_complete else f" {tokens}"


def read_search(text: str, *, correct: bool = False) -> SearchTerms:
    """The terms of a text. With `correct`, words with one mistake are taken for words of the catalogue's list."""
    plain = rules.without_signs(text)
    rest, kinds, kind_texts, end = "", [], [], 0
    words = list(re.finditer(r"[^\W_]+", plain))
    place = 0
    while place < len(words):
        length, entry = _entry_at([word[0] for word in words[place : place + MAX_PHRASE_WORDS]], correct=correct)
        if entry:
            rest += f"{plain[end : words[place].start()]} {entry.means} "
            if entry.categories or not entry.means:
                kinds.append(entry)
                kind_texts.append(plain[words[place].start() : words[place + length - 1].end()])
            end = words[place + length - 1].end()
        place += length
    tokens_of_words = _limited(rules.name_words(rest + plain[end:]))
    named_kinds = [kind for kind in kinds if kind.categories]
    if not tokens_of_words and not named_kinds:  # nothing but "kit" or "black"
        return SearchTerms(_limited(rules.name_words(" ".join(kind_texts))))
    kind_tokens = rules.name_tokens(" ".join(kind_texts))[:MAX_TOKENS]
    return SearchTerms(tokens_of_words, named_kinds, kind_tokens, rules.is_finished(plain))


def _limited(words: list[list[str]]) -> list[list[str]]:
    """No more than MAX_TOKENS tokens."""
    room, limited = MAX_TOKENS, []
    for word in words:
        if room > 0:
            limited.append(word[:room])
        room -= len(word)
    return limited


def _entry_at(words: list[str], *, correct: bool) -> tuple[int, SearchWord | None]:
    """The longest phrase of the list with which the words begin, and its number of words; 1 and None without one."""
    entries = search_words()
    folded = [rules.fold(word) for word in words]
    for length in range(len(folded), 0, -1):
        if entry := entries.get(" ".join(folded[:length])):
            return length, entry
    first = folded[0]
    if first.startswith(ARABIC_ARTICLE) and (entry := entries.get(first.removeprefix(ARABIC_ARTICLE))):
        return 1, entry
    if correct and first.isalpha() and len(first) >= MIN_MISSPELT_LENGTH:
        return 1, next((entry for phrase, entry in entries.items() if rules.is_one_typo(first, phrase)), None)
    return 1, None

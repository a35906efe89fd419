"""A member's page as staff see it: links stay inside of the view, nothing can be sent, no script, file or code (R68).

It changes the HTML of the page, so that no view or template of members has to know of it.
"""

from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

# The pages of a member that staff may see. Everything else is not shown: forms, files, codes, sign-in and security.
VIEWED_PAGES = {
    "dashboard": _("Home"),
    "notices": _("What happened"),
    "help": _("Help"),
    "terms": _("Terms of use"),
    "privacy": _("Privacy"),
    "members:profile": _("Profile"),
    "kitbag:list": _("Kitbag"),
    "kitbag:product": _("A product"),
    "kitbag:points": _("Points history"),
    "kitbag:upcoming": _("What is ahead"),
    "kitbag:what_if": _("Try a change"),
    "servicing:list": _("Service"),
    "servicing:ticket": _("A job"),
    "servicing:parcel": _("A parcel"),
    "servicing:history": _("Earlier repairs"),
    "servicing:centres": _("Service centres"),
    "servicing:centre": _("A service centre"),
    "servicing:of_registration": _("The job of a product"),
    "offers:list": _("Offers"),
    "offers:card": _("Membership card"),
    "country_change": _("A change of the country"),
    "going_to": _("Going to another country"),
    "going_to_country": _("Going to another country"),
    "card_abroad": _("The card abroad"),
    "cases:list": _("Cases"),
    "cases:case": _("A case"),
}
Attributes = dict[str, str | None]
Inside = Callable[[str], str | None]
FIELDS = frozenset({"button", "input", "select", "textarea"})
DROPPED = frozenset({"script", "iframe", "object", "embed", "video", "audio"})
KEPT_LINKS = frozenset({"stylesheet", "icon"})
SOURCES = frozenset({"src", "srcset", "poster"})
KEPT_FORM_ATTRIBUTES = frozenset({"class", "id", "role", "aria-label", "aria-labelledby"})


class _Rewriter(HTMLParser):
    """Collects the pieces of the new page."""

    def __init__(self, html: str, *, address: str, inside: Inside, head: str, banner: str) -> None:
        super().__init__(convert_charrefs=False)
        self.address, self.inside, self.head, self.banner = address, inside, head, banner
        self.pieces: list[str] = []
        self._dropping = ""  # the tag of an element that is left out
        self._sends = False  # inside of a form that would send something
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropping:
            return
        if tag in DROPPED:
            self._dropping = "" if tag == "embed" else tag
            return
        self._write_tag(tag, attrs, end="")
        if tag == "body":
            self.pieces.append(self.banner)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._dropping and tag not in DROPPED:
            self._write_tag(tag, attrs, end="/")

    def _write_tag(self, tag: str, attrs: list[tuple[str, str | None]], *, end: str) -> None:
        """As it was written if nothing in it changes: names in drawings are not all in small letters."""
        attributes = {name: value for name, value in attrs if not name.startswith(("hx-", "data-hx-", "on"))}
        if self._is_left_out(tag, attributes):
            return
        changed = self._changed(tag, attributes)
        is_same = list(changed.items()) == attrs
        self.pieces.append((self.get_starttag_text() or "") if is_same else _start(tag, changed, end))

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            self._dropping = "" if tag == self._dropping else self._dropping
            return
        if tag == "form":
            self._sends = False
        if tag == "head":
            self.pieces.append(self.head)
        self.pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")

    def _keep(self, text: str) -> None:
        if not self._dropping:
            self.pieces.append(text)

    def _is_left_out(self, tag: str, attributes: Attributes) -> bool:
        if tag == "link":
            return (attributes.get("rel") or "") not in KEPT_LINKS
        if tag == "meta":
            return "http-equiv" in attributes or attributes.get("name") == "htmx-config"
        return tag == "base" or (self._sends and tag == "input" and attributes.get("type") == "hidden")

    def _changed(self, tag: str, attributes: Attributes) -> Attributes:
        attributes = {name: value for name, value in attributes.items() if name not in SOURCES or _is_static(value)}
        if tag == "body":
            return {**attributes, "class": f"{attributes.get('class') or ''} d-asmember".strip()}
        if tag in ("a", "area"):
            return self._link(attributes)
        if tag == "form":
            return self._form(attributes)
        if tag in FIELDS and (self._sends or "form" in attributes or "formaction" in attributes):
            return _off(attributes)
        return _off(attributes) if tag == "button" and attributes.get("type") == "button" else attributes

    def _link(self, attributes: Attributes) -> Attributes:
        kept = {name: value for name, value in attributes.items() if name not in ("href", "download", "target", "ping")}
        href = attributes.get("href")
        if href is None or href.startswith("#"):
            return attributes
        target = self.inside(urljoin(self.address, href))
        return {**kept, "href": target} if target else {**kept, "aria-disabled": "true"}

    def _form(self, attributes: Attributes) -> Attributes:
        """A form that only asks stays, if its answer is inside."""
        kept = {name: value for name, value in attributes.items() if name in KEPT_FORM_ATTRIBUTES}
        asks = (attributes.get("method") or "get").lower() == "get"
        target = self.inside(urljoin(self.address, attributes.get("action") or self.address)) if asks else None
        self._sends = target is None
        return {**kept, "method": "get", "action": target} if target else kept


def rewrite_page(html: str, *, address: str, inside: Inside, head: str, banner: str) -> str:
    """The page at `address` with `head` at the end of its head and `banner` on top.

    `inside` gives the address inside of the view for one of the portal, None if it leads out of it.
    """
    return "".join(_Rewriter(html, address=address, inside=inside, head=head, banner=banner).pieces)


def _is_static(address: str | None) -> bool:
    """Drawings and sheets of the portal itself; everything else is a file."""
    parts = urlsplit(address or "")
    return not parts.netloc and parts.path.startswith(settings.STATIC_URL)


def _off(attributes: Attributes) -> Attributes:
    kept = {name: value for name, value in attributes.items() if name not in ("form", "formaction", "autofocus")}
    return {**kept, "disabled": None}


def _start(tag: str, attributes: Attributes, end: str) -> str:
    parts = [name if value is None else f'{name}="{escape(value)}"' for name, value in attributes.items()]
    return f"<{' '.join([tag, *parts])}{end}>"

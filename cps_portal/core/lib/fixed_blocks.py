"""`{% fixed %}` ... `{% endfixed %}`: a part of a template that is the same on every page, but for its language.

Menus, footers and the texts of scripts are a third of a small page: dozens of translations, addresses and icons. They
are rendered once for each language and kept by the process. Inside there is no variable of the page at all, not even
the request: what is about somebody cannot get in, and a `{% csrf_token %}` or a variable is an error.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from django import template
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import Parser, Token, VariableNode
from django.template.defaulttags import CsrfTokenNode
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class FixedNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.texts: dict[str, SafeString] = {}
        FIXED.add(self)

    def render(self, context: Context) -> SafeString:
        language = get_language() or ""
        text = self.texts.get(language)
        if text is None:
            empty = Context()
            if context.template is None:  # never while a template is being rendered
                raise TemplateSyntaxError("fixed: outside of a template")
            with empty.bind_template(context.template):
                text = self.texts[language] = self.nodelist.render(empty)
        return text


FIXED: "WeakSet[FixedNode]" = WeakSet()  # those of all templates that are loaded


@register.tag
def fixed(parser: Parser, _token: Token) -> FixedNode:
    """Raises TemplateSyntaxError if a variable of the page, or the token of a form, is inside."""
    nodelist = parser.parse(["endfixed"])
    parser.delete_first_token()
    for node in _nodes(nodelist):
        if isinstance(node, CsrfTokenNode | VariableNode):
            raise TemplateSyntaxError(f"fixed: {node!r} is not the same on every page")
    return FixedNode(nodelist)


def _nodes(nodelist: NodeList) -> Iterator[Any]:
    for node in nodelist:
        yield from node.get_nodes_by_type(Node)

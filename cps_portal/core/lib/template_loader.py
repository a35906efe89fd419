"""Our templates without the indentation of their source, which is for those who write them.

Tags on lines of their own leave an indented blank line each in the page: of a Kitbag of fifty products that was half of
its size. HTML takes any whitespace between words for one space, so a line break alone says the same.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

KEPT_AS_WRITTEN = ("emails/", "print/")  # plain text is made from mails; what is printed is not HTML
MARKUP = ".html"
BREAK = re.compile(r"[ \t]*\n\s*")
VERBATIM = re.compile(r"<(pre|textarea)\b[^>]*>[^<]*\n", re.IGNORECASE)  # here it shows


class Loader(filesystem.Loader):
    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        name = str(origin.template_name)
        if not name.endswith(MARKUP) or name.startswith(KEPT_AS_WRITTEN) or VERBATIM.search(text):
            return text
        return BREAK.sub("\n", text)

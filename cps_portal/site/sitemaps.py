"""The map of the public pages for search engines: each page in each language, with its other addresses (R56)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from servicing.models import ServiceCentre

IN_EACH_LANGUAGE = ("home", "help", "terms", "privacy", "servicing:centres")
AT_ONE_ADDRESS = ("cases:contact", "members:join")  # in the language of the reader


class _PublicSitemap(Sitemap[Any]):
    """At the address of the portal, whatever host the robot has asked."""

    def get_domain(self, site: object = None) -> str:
        return str(urlsplit(settings.SITE_URL).netloc)

    def get_protocol(self, protocol: str | None = None) -> str:
        return str(urlsplit(settings.SITE_URL).scheme)

    def location(self, item: Any) -> str:
        return reverse(item) if isinstance(item, str) else str(item.get_absolute_url())


class TranslatedPages(_PublicSitemap):
    i18n = alternates = x_default = True

    def items(self) -> list[Any]:
        return [*IN_EACH_LANGUAGE, *ServiceCentre.objects.order_by("slug").only("slug")]


class OtherPages(_PublicSitemap):
    def items(self) -> list[Any]:
        return list(AT_ONE_ADDRESS)


SITEMAPS: dict[str, type[Sitemap[Any]] | Sitemap[Any]] = {"translated": TranslatedPages, "other": OtherPages}

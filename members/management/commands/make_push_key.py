from typing import Any

from django.core.management.base import BaseCommand

from cps_portal.core.lib import web_push


class Command(BaseCommand):
    help = "Print a new key for PUSH_PRIVATE_KEY. With another key every browser has to be allowed again."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(web_push.make_key())

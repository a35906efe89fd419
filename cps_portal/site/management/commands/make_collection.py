import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cps_portal.core.rest.collection import make_collection
from cps_portal.core.rest.contract import contract

FILE = Path(settings.BASE_DIR, "docs", "api", "postman_collection.json")


class Command(BaseCommand):
    help = "Make docs/api/postman_collection.json from the contract. With --check only say whether it is current."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail if the file is not what would be made")

    def handle(self, *, check: bool, **options: Any) -> None:
        body, _etag = contract("json")
        made = json.dumps(make_collection(json.loads(body)), indent=1, ensure_ascii=False) + "\n"
        if not check:
            FILE.write_text(made, encoding="utf-8")
        elif FILE.read_text(encoding="utf-8") != made:
            raise CommandError("docs/api/postman_collection.json is not current. Update it: manage.py make_collection")

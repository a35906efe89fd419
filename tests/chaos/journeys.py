"""What members do: sign in, read, register a product, ask for the Welcome Pack and for a service, write to us."""

import queue
import random
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.browser import Attachment, Browser, JourneyFailed, Page
from tests.chaos.world import MODEL, Plan, email_of, serial_of
from tests.factories import PASSWORD
from tests.files import samples
from tests.launcher.front import Front

READ = ("/dashboard/", "/kitbag/", "/notices/", "/help/", "/kitbag/points/", "/service/", "/profile/", "/centres/")
PACK, PICK, SERVICE, CONTACT = "/offers/welcome-pack/", "/kitbag/add/pick/", "/service/new/", "/contact/"
ADDRESS = {
    "name": "Ana E.",
    "country": "ZA",
    "street": "14 Oak Avenue",
    "city": "Johannesburg",
    "postal_code": "2092",
    "phone": "+27 82 123 4567",
}


@dataclass
class Accepted:
    """What the portal has said that it has done: by kind, the address of what a member was led to."""

    urls: dict[str, dict[int, str]] = field(
        default_factory=lambda: {"pack": {}, "registration": {}, "ticket": {}, "message": {}}
    )
    failures: list[str] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


class Crowd:
    """Clients that take one member after the other, until all have done what they came for."""

    def __init__(self, front: Front, plan: Plan, products: dict[int, int], clients: int, seed: int) -> None:
        self.front, self.plan, self.products, self.seed = front, plan, products, seed
        self.accepted = Accepted()
        self.waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(plan.packs):
            self.waiting.put(number)
        self.threads = [threading.Thread(target=self._work, daemon=True) for _number in range(clients)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def _work(self) -> None:
        while True:
            try:
                number = self.waiting.get_nowait()
            except queue.Empty:
                return
            browser = Browser(self.front, f"127.1.{number // 200}.{number % 200 + 1}")
            dice = random.Random(f"{self.seed} {number}")  # noqa: S311 (to repeat a run)
            journey = Journey(browser, number, self.products.get(number), dice)
            try:
                journey.run(self.plan)
            except JourneyFailed as failure:
                self.accepted.failures.append(f"member {number}: {failure}")
            except Exception as error:  # noqa: BLE001 (a client that dies unseen would be a lost request)
                self.accepted.failures.append(f"member {number}: {error!r}")
            for kind, url in journey.urls.items():
                self.accepted.urls[kind][number] = url
            self.accepted.repeats.update(browser.repeats)
            self.accepted.slowest = max(self.accepted.slowest, browser.slowest)


class Journey:
    """One member's visit. `urls`: where each accepted form led to. One in five presses a button twice."""

    def __init__(self, browser: Browser, number: int, product: int | None, dice: random.Random) -> None:
        self.browser, self.number, self.product, self.dice = browser, number, product, dice
        self.urls: dict[str, str] = {}

    def run(self, plan: Plan) -> None:
        self.sign_in()
        if self.number in plan.registering:
            self.register_product()
        self.browser.read(self.dice.choice(READ))
        self.request_pack()
        if self.number in plan.requesting_service:
            self.request_service()
        if self.number in plan.writing:
            self.write_message()
        self.browser.read(self.dice.choice(READ))

    def sign_in(self) -> None:
        action = "/accounts/login/"
        page = self.browser.read(action)
        page = self.browser.send(page, action, {"login": email_of(self.number), "password": PASSWORD})
        self._expect(page, page.redirected and page.path == "/dashboard/")

    def register_product(self) -> None:
        results = self.browser.read(f"/kitbag/add/?q={MODEL.replace(' ', '+')}")
        product = re.search(r'name="pick"\s+value="([0-9.]+)"', results.text)
        self._expect(results, product)
        page = self.browser.send(results, PICK, {"pick": product[1]}, twice=self._presses_twice())
        link = re.search(r"/kitbag/[0-9]+/finish/", page.text)
        self._expect(page, link)
        details = {
            "serial": serial_of(self.number, registered=False),
            "country": "ZA",
            "store": "Rosebank Camera Co.",
            "purchased_on_day": "12",
            "purchased_on_month": "9",
            "purchased_on_year": "2023",
            "do": "submit",
        }
        page = self.browser.read(link[0])
        page = self.browser.send(page, link[0], details, twice=self._presses_twice())
        self._accept("registration", page, r"/kitbag/[0-9]+/")

    def request_pack(self) -> None:
        page = self.browser.send(self.browser.read(PACK), PACK, ADDRESS)
        page = self.browser.send(page, PACK, {"go": "confirm"}, twice=self._presses_twice())
        self._accept("pack", page, PACK)

    def request_service(self) -> None:
        key = f"p{self.product}"
        photo = Attachment(f"{key}_photos", "fault.jpg", samples.jpeg(serial=serial_of(self.number, registered=True)))
        page = self.browser.read(f"{SERVICE}?product={self.product}")
        problem = {f"{key}_service": "repair", f"{key}_fault": "The shutter sticks.", "go": "next"}
        page = self.browser.send(page, SERVICE, problem, attachment=photo)
        page = self.browser.send(page, SERVICE, {"centre": "joburg", "go": "next"})
        page = self.browser.send(page, SERVICE, {"travel": "courier", "back": "elsewhere", **ADDRESS, "go": "next"})
        page = self.browser.send(page, SERVICE, {"go": "send"}, twice=self._presses_twice())
        self._accept("ticket", page, r"/service/parcels/[^/]+/")

    def write_message(self) -> None:
        typed = {"subject": f"Question {self.number}", "kind": "kit", "text": "What is my lens worth?"}
        page = self.browser.send(self.browser.read(CONTACT), CONTACT, typed, twice=self._presses_twice())
        self._expect(page, page.redirected)
        self.urls["message"] = page.path

    def _accept(self, kind: str, page: Page, path: str) -> None:
        self._expect(page, page.redirected and re.fullmatch(path, page.path))
        self.urls[kind] = page.path

    def _expect(self, page: Page, is_right: object) -> None:
        if not is_right:
            raise JourneyFailed(page.describe())

    def _presses_twice(self) -> bool:
        return self.dice.random() < 0.2

from django.apps import AppConfig


class DevConfig(AppConfig):
    """Development and tests only: the demonstration world and the large world that is measured with."""

    name = "cps_portal.dev"

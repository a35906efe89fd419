from django.contrib.admin.apps import AdminConfig
from django.core.checks import Tags, register

from cps_portal.core.lib.server_version import server_is_new_enough


class PortalAdminConfig(AdminConfig):
    """The admin with the portal's own sign-in and second factor."""

    default_site = "cps_portal.site.views.desk.DeskSite"  # spans the apps, so it is named and not imported

    def ready(self) -> None:
        register(server_is_new_enough, Tags.database)
        super().ready()

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """The admin with the portal's own sign-in and second factor."""

    default_site = "cps_portal.core.lib.admin.PortalAdminSite"

"""A member's groups of products: name them, fill them, delete them (R18)."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from kitbag.actions.kit_groups import add_group, change_group, delete_group
from kitbag.forms import GroupNameForm
from kitbag.models import KitGroup, Registration
from kitbag.queries.kit_groups import groups_of
from kitbag.views.shortcuts import read_keys, url_with_query
from members.access import MemberRequest, member_required


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def groups(request: MemberRequest) -> HttpResponse:
    """All groups of the member, and a new one, which then is filled."""
    form = GroupNameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            return redirect("kitbag:group", group=add_group(member=request.member, **form.cleaned_data).pk)
        except Refusal as refusal:
            form.add_error(refusal.field, str(refusal))
    status = 422 if form.errors else 200
    return render(request, "kitbag/groups.html", {"form": form, "groups": groups_of(request.member)}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def group(request: MemberRequest, group: int) -> HttpResponse:
    """Rename a group, and choose its products among all of the Kitbag."""
    row = _own_group(request, group)
    form = GroupNameForm(request.POST if request.method == "POST" else None, initial={"name": row.name})
    if form.is_valid():
        products = read_keys(request.POST.getlist("product"))
        try:
            change_group(group=row, name=form.cleaned_data["name"], products=products)
        except Refusal as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, _t("%(group)s is saved.") % {"group": row.name})
            return HttpResponseRedirect(url_with_query("kitbag:list", group=row.pk))
    kit = Registration.objects.of(request.member).live()
    kit = kit.select_related("product", "owner_details__thumbnail", "owner_details__group").order_by(
        "product__name", "pk"
    )
    chosen = set(read_keys(request.POST.getlist("product")))
    if request.method != "POST":
        chosen = set(kit.filter(owner_details__group=row).values_list("pk", flat=True))
    context = {"form": form, "group": row, "kit": kit, "chosen": chosen}
    return render(request, "kitbag/group.html", context, status=422 if form.errors else 200)


@require_POST
@member_required
def delete(request: MemberRequest, group: int) -> HttpResponse:
    """Delete a group. Its products stay."""
    row = _own_group(request, group)
    delete_group(group=row)
    messages.success(request, _t("%(group)s is deleted. Its products are still in your Kitbag.") % {"group": row.name})
    return redirect("kitbag:groups")


def _own_group(request: MemberRequest, key: int) -> KitGroup:
    """The member's own group. Raises Http404 for any other."""
    return get_object_or_404(KitGroup.objects.filter(member=request.member).select_related("member"), pk=key)

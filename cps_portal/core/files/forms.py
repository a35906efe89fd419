"""Form field for files. JavaScript uploads each file at once; without it they are sent with the form."""

from datetime import datetime
from itertools import zip_longest
from typing import Any

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.pieces import LAYOUT

MAX_FILES = 10
MAX_ORIGINALS = 20  # photos of one request
ACCEPTED_ORIGINALS = "image/jpeg,image/heic,image/heif,.jpg,.jpeg,.heic,.heif,.hif,.cr3,.cr2"
ACCEPTED_PHOTOS = "image/jpeg,image/png,image/heic,image/heif"
ACCEPTED = f"{ACCEPTED_PHOTOS},application/pdf"


class UploadsWidget(forms.Widget):
    """Reads files, and the keys of files uploaded before from the hidden inputs `<name>_keys`."""

    template_name = "files/_upload.html"
    needs_multipart_form = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, Any], name: str) -> Uploads:
        keys = data.getlist(f"{name}_keys") if hasattr(data, "getlist") else []
        return Uploads(tuple(dict.fromkeys(keys)), tuple(files.getlist(name)) if hasattr(files, "getlist") else ())

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        keys = value.keys if isinstance(value, Uploads) else ()
        return {**context, "keys": keys, "purpose": self.purpose, "accepted": ACCEPTED, "most": MAX_FILES}

    def use_required_attribute(self, initial: Any) -> bool:
        return False


class UploadsField(forms.Field):
    """`evidence = UploadsField(purpose="evidence")`; its cleaned value goes to `files.actions.collect`.

    The form's tag needs enctype="multipart/form-data". Nothing is stored by the form itself.
    """

    def __init__(self, *, purpose: str, **kwargs: Any) -> None:
        super().__init__(widget=UploadsWidget(purpose), **kwargs)

    def clean(self, value: Any) -> Uploads:
        uploads = value if isinstance(value, Uploads) else Uploads()
        if self.required and not uploads:
            raise ValidationError(_("Add a photo or a PDF."))
        if len(uploads.keys) + len(uploads.fresh) > MAX_FILES:
            raise ValidationError(_("Add at most %(most)s files."), params={"most": MAX_FILES})
        if any(len(key) > 32 or not key.isascii() for key in uploads.keys):
            raise ValidationError(_("One of the files is no longer there. Choose it again."))
        return uploads


class OriginalPhotoField(forms.FileField):
    """A photo that is read and not stored (R25): straight from a camera, or of a label. The reader checks its type."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.FileInput(attrs={"class": "input", "accept": ACCEPTED_PHOTOS})
        super().__init__(widget=widget, required=False, allow_empty_file=True, **kwargs)


class PhotoField(forms.FileField):
    """One photo, of whatever kind a telephone takes. It goes to `files.actions.store_photo`, which checks its type."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.FileInput(attrs={"class": "input", "accept": ACCEPTED_PHOTOS})
        super().__init__(widget=widget, allow_empty_file=True, **kwargs)


class OriginalPhotos(forms.FileInput):
    """Several photos, of which JavaScript sends only the pieces with metadata, each with its `<name>_layout`."""

    template_name = "files/_originals.html"
    allow_multiple_selected = True

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, None, attrs), "accepted": ACCEPTED_ORIGINALS}

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, Any], name: str) -> list[tuple[Any, str]]:
        photos = files.getlist(name) if hasattr(files, "getlist") else []
        layouts = data.getlist(f"{name}_layout") if hasattr(data, "getlist") else []
        return list(zip_longest(photos, layouts[: len(photos)], fillvalue=""))


class OriginalPhotosField(forms.Field):
    """Photos straight from a camera that are read and not stored (R25), each with the layout of its pieces."""

    widget = OriginalPhotos

    def clean(self, value: Any) -> list[tuple[Any, str]]:
        if self.required and not value:
            raise ValidationError(_("Choose photos straight from the memory card."))
        if len(value) > MAX_ORIGINALS:
            raise ValidationError(_("Choose at most %(most)s photos at a time."), params={"most": MAX_ORIGINALS})
        if any(layout and not LAYOUT.fullmatch(layout) for _photo, layout in value):
            raise ValidationError(_("One of the photos didn’t arrive in one piece. Choose it again."))
        return list(value)


def keep_uploads(form: forms.Form, name: str, *, by: AbstractBaseUser, at: datetime) -> Uploads:
    """Store the files of a form, so that they are kept if it is shown again. Errors are added to the field."""
    value = form[name].data
    uploads = value if isinstance(value, Uploads) else Uploads()
    if form.has_error(name):
        return Uploads(uploads.keys)
    kept, problems = actions.keep(uploads=uploads, purpose=form.fields[name].widget.purpose, by=by, at=at)
    data: Any = form.data
    data = data.copy()
    data.setlist(f"{form.add_prefix(name)}_keys", kept.keys)
    form.data = data
    for problem in problems:
        form.add_error(name, str(problem))
    return kept

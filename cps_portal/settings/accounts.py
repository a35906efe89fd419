"""Accounts, passwords and sign-in (allauth)."""

SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail addresses are unique by a constraint on their lower case
AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "cps_portal.core.lib.hashers.Argon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_MIN_LENGTH = 12  # characters
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "members.forms.passwords.NewPasswordValidator", "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH}},
]
# Words that others try first here: a password has to be more than these, a date and the person's own names.
PASSWORD_SERVICE_WORDS = [
    "canon",
    "cps",
    "eos",
    "rebel",
    "powershot",
    "ixus",
    "speedlite",
    "pixma",
    "cinema",
    "mark",
    "lens",
    "camera",
    "photo",
    "photos",
    "photographer",
    "photography",
    "professional",
    "services",
    "member",
    "membership",
    "kitbag",
    "portal",
    "welcome",
    "pack",
    "card",
    "fast",
    "track",
    "service",
    "centre",
    "center",
    "support",
    "staff",
    "admin",
    "administrator",
    "programme",
    "program",
    "red",
    "silver",
    "gold",
    "platinum",
]

# Attempts, counted in PostgreSQL: (times, seconds). Nobody can lock another's account out: a browser that has signed in
# to the account before is counted apart, under `device`, and by nothing else. All others are counted by account and
# network address together, by address, and by account as the last resort against many addresses at once.
SIGN_IN_LIMITS = {
    "account_and_address": (5, 300),
    "address": (30, 600),
    "account": (100, 3600),
    "device": (10, 300),
}
SECOND_STEP_LIMITS = {  # whoever gets here knows the password: six digits allow few attempts
    "account_and_address": (5, 300),
    "account": (30, 86400),
    "device": (10, 300),
}
RESET_LIMITS = {  # each is a mail to the account; the links of all of them work until one is used
    "account_and_address": (3, 900),
    "address": (20, 600),
    "account": (10, 86400),
    "device": (5, 900),
}
JOIN_TAKEN_LIMIT = (5, 3600)  # times that a network address is told at joining that an e-mail address has an account
JOIN_MAIL_LIMIT = (1, 86400)  # mails that tell the owner of such an address

# Devices
DEVICE_COOKIE_AGE = 60 * 60 * 24 * 365  # seconds
MAX_DEVICE_ACCOUNTS = 5  # accounts that a browser is known to, such as of a family
SEEN_EVERY_SECONDS = 300  # how often it is recorded that a session is in use

# A new sign-in address
EMAIL_UNDO_DAYS = 14  # the link in the old mailbox works this long
EMAIL_RESET_WAIT_HOURS = 24  # the new address gets no link for a new password before that

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "members.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "members.forms.accounts.JoinForm",
    "login": "members.forms.accounts.SignInForm",
    "add_email": "members.forms.accounts.AddEmailForm",
    "change_password": "members.forms.accounts.ChangePasswordForm",
    "set_password": "members.forms.accounts.SetPasswordForm",
    "reset_password": "members.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "members.forms.accounts.ResetPasswordKeyForm",
    "reauthenticate": "members.forms.accounts.ReauthenticateForm",
}
# Counted by members/adapter.py and members/forms/accounts.py instead.
ACCOUNT_RATE_LIMITS: dict[str, str | None] | bool = {
    "login": None,
    "login_failed": None,
    "reset_password": None,
}
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # to change the address
ACCOUNT_EMAIL_VERIFICATION = "optional"  # R8: membership is instant; benefits ask for a confirmed address
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "members.adapter.MFAAdapter"
MFA_FORMS = {
    "authenticate": "members.forms.accounts.SecondStepForm",
    "reauthenticate": "members.forms.accounts.ReauthenticateByCodeForm",
    "activate_totp": "members.forms.accounts.ActivateAppForm",
    "add_webauthn": "members.forms.accounts.AddPasskeyForm",
    "edit_webauthn": "members.forms.accounts.RenamePasskeyForm",
}
MFA_TOTP_ISSUER = "CPS"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True

# Staff give their second factor at least twice a working day, and again before they do what is listed here.
STAFF_SESSION_SECONDS = 12 * 3600  # since the second factor
STEP_UP_SECONDS = 15 * 60  # since the second factor
CHANGES = frozenset({"POST"})
ALWAYS = frozenset({"GET", "HEAD", "POST"})
STEP_UP_VIEWS = {  # by view name: the methods that ask
    # what many people's data leave by
    "admin:offers_offer_door": ALWAYS,
    "admin:offers_welcomepack_by_file": ALWAYS,
    "admin:export": CHANGES,
    # points and levels
    "admin:kitbag_adjustment_give": ALWAYS,
    "admin:kitbag_adjustment_end": ALWAYS,
    "admin:members_countryplan_plan": ALWAYS,
    "admin:members_countryplan_cancel": ALWAYS,
    "admin:kitbag_sale_by_file": ALWAYS,
    "admin:members_thresholdplan_plan": ALWAYS,
    "admin:members_thresholdplan_cancel": ALWAYS,
    "admin:kitbag_catalogueproposal_plan": ALWAYS,
    "admin:kitbag_stagechange_plan": ALWAYS,
    "admin:kitbag_stagechange_load": ALWAYS,
    "admin:kitbag_stagechange_confirm": CHANGES,
    "admin:kitbag_stagechange_replace": ALWAYS,
    "admin:kitbag_stagechange_cancel": ALWAYS,
    "admin:members_countryprogramme_add": CHANGES,
    "admin:members_countryprogramme_change": CHANGES,
    "admin:members_levelbenefit_add": CHANGES,
    "admin:members_levelbenefit_change": CHANGES,
    "admin:members_termsversion_add": CHANGES,
    "admin:members_termsversion_change": CHANGES,
    # who an account belongs to
    "admin:lost_address": ALWAYS,
    "admin:members_lostaddress_change": ALWAYS,
    "admin:members_accountfreeze_change": ALWAYS,
    "admin:merge_accounts": ALWAYS,
    "admin:members_accountmerge_change": ALWAYS,
    "admin:members_member_close": CHANGES,
    # who may do what
    "admin:members_user_add": ALWAYS,
    "admin:members_user_change": CHANGES,
    "admin:auth_user_password_change": ALWAYS,
    "admin:mfa_authenticator_delete": ALWAYS,
    "admin:mfa_authenticator_changelist": CHANGES,
    "admin:partners_partner_add": CHANGES,
    "admin:partners_partner_change": CHANGES,
    "admin:partners_credential_add": ALWAYS,
    "admin:partners_credential_change": CHANGES,
    "admin:partners_credential_rotate": ALWAYS,
    "admin:partners_credential_revoke": ALWAYS,
    "admin:partners_webhookendpoint_add": ALWAYS,
    "admin:partners_webhookendpoint_operate": CHANGES,
}

"""Where settings come from: the environment of the process. A missing or bad value raises at start."""

import environ

env = environ.Env()

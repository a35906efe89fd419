# The production image. It starts the web server; docker-compose.yml and deploy/kubernetes start everything else from it, too.
# The digests of the base images are written here by Renovate (renovate.json), which keeps them up to date.
FROM python:3.11-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=cps_portal.settings.base \
    PATH=/venv/bin:$PATH

RUN python -m venv /venv

WORKDIR /portal

COPY requirements/production.txt requirements/production.txt
RUN pip install --require-hashes -r requirements/production.txt

COPY manage.py ./
COPY cps_portal cps_portal
COPY members members
COPY kitbag kitbag
COPY servicing servicing
COPY templates templates
COPY static static
COPY locale locale
COPY docs docs

# The settings do not load without these. They are not kept in the image's environment.
RUN export SECRET_KEY=only-while-building ALLOWED_HOSTS=localhost SITE_URL=http://localhost \
        DATABASE_URL=postgres://localhost/none REDIS_URL=redis://localhost/0 FILES_ROOT=/tmp/none \
    && python -I cps_portal/core/lib/catalogues.py \
    && python manage.py collectstatic --noinput \
    && python -m compileall -q cps_portal members kitbag servicing


FROM python:3.11-slim-bookworm

# The root of the file system is read-only in production: nothing but /tmp and the volumes can be written.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=cps_portal.settings.base \
    PATH=/venv/bin:$PATH

# A new volume gets the owner of the folder it is mounted on.
RUN groupadd --gid 10001 portal \
    && useradd --uid 10001 --gid portal --create-home --home-dir /home/portal portal \
    && install -d -o portal -g portal -m 700 /srv/files /srv/erasures

WORKDIR /portal
COPY --from=build /venv /venv
COPY --from=build /portal /portal

USER 10001:10001
EXPOSE 8000
# No access log here: it would contain the addresses of cards and of passwords to be reset. The front server writes one.
CMD ["gunicorn", "--config", "cps_portal/gunicorn.py", "--preload", "--bind", "0.0.0.0:8000", \
     "--worker-tmp-dir", "/dev/shm"]

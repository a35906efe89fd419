# The production image. It starts the web server; docker-compose.yml starts workers, beat and migrate from it, too.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=cps_portal.settings.base

RUN useradd --system --create-home --home-dir /home/portal portal
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

# The settings do not load without these. They are not kept in the image's environment.
RUN SECRET_KEY=only-while-building ALLOWED_HOSTS=localhost SITE_URL=http://localhost \
    DATABASE_URL=postgres://localhost/none REDIS_URL=redis://localhost/0 FILES_ROOT=/tmp/none \
    python manage.py collectstatic --noinput \
    && python -m compileall -q cps_portal members kitbag servicing

# A new volume gets the owner of the folder it is mounted on.
RUN install -d -o portal -g portal -m 700 /srv/files

USER portal
EXPOSE 8000
# No access log here: it would contain the addresses of cards and of passwords to be reset. The front server writes one.
CMD ["gunicorn", "--config", "cps_portal/gunicorn.py", "--preload", "--bind", "0.0.0.0:8000", \
     "--worker-tmp-dir", "/dev/shm"]

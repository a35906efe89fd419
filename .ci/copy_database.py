"""Copy the database that DATABASE_URL names to another name; prints the URL of the copy."""

import os
import sys
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

url = urlsplit(os.environ["DATABASE_URL"])
source, target = url.path.lstrip("/"), sys.argv[1]
line = psycopg2.connect(url._replace(path="/postgres").geturl())
line.autocommit = True
with line.cursor() as cursor:
    cursor.execute(sql.SQL("create database {} template {}").format(sql.Identifier(target), sql.Identifier(source)))
sys.stdout.write(url._replace(path=f"/{target}").geturl())

#!/bin/sh
# Run by the image of PostgreSQL when it makes its data folder: backups connect from their own container.
echo "host replication all all scram-sha-256" >> "$PGDATA/pg_hba.conf"

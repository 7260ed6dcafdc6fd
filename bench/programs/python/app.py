"""The application: each request waits 100 ms, by a sleep, in the database or for another server."""

import os
import queue
import threading
import time

import flask
import psycopg2
import requests

app = flask.Flask(__name__)

database = os.environ.get("BENCH_DATABASE")
upstream = os.environ.get("BENCH_UPSTREAM")

# At most as many connections to the database as it allows, opened when they are needed.
connections = queue.LifoQueue()
for _ in range(int(os.environ.get("BENCH_CONNECTIONS", "1"))):
    connections.put(None)

local = threading.local()


@app.get("/sleep")
def sleep():
    time.sleep(0.1)
    return "slow\n"


@app.get("/database")
def select():
    connection = connections.get()
    try:
        if connection is None:
            connection = psycopg2.connect(database)
            connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.1)")
            cursor.fetchall()
    finally:
        connections.put(connection)
    return "slow\n"


@app.get("/upstream")
def fetch():
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
    return local.session.get(upstream, timeout=60).text

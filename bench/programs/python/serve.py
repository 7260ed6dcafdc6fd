"""Serves app.py: serve.py waitress|gthread|gevent|eventlet PORT CONCURRENCY"""

import sys

server, port, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

if server == "gevent":
    import gevent.monkey

    gevent.monkey.patch_all()
    import psycogreen.gevent

    psycogreen.gevent.patch_psycopg()
elif server == "eventlet":
    import eventlet

    eventlet.monkey_patch()
    import psycogreen.eventlet

    psycogreen.eventlet.patch_psycopg()

import threading  # noqa: E402

threading.stack_size(256 * 1024)

from app import app  # noqa: E402

if server == "waitress":
    import waitress

    waitress.serve(
        app,
        listen=f"127.0.0.1:{port}",
        threads=concurrency,
        connection_limit=concurrency + 100,
        backlog=4096,
        asyncore_use_poll=True,
    )
elif server == "gthread":
    import gunicorn.app.base

    class Application(gunicorn.app.base.BaseApplication):
        def load_config(self):
            for name, value in {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": concurrency,
                "worker_connections": concurrency + 100,
                "backlog": 4096,
                "keepalive": 60,
                "timeout": 120,
                "graceful_timeout": 1,
            }.items():
                self.cfg.set(name, value)

        def load(self):
            return app

    Application().run()
elif server == "gevent":
    import gevent.pywsgi

    gevent.pywsgi.WSGIServer(("127.0.0.1", port), app, backlog=4096, log=None).serve_forever()
elif server == "eventlet":
    import eventlet.wsgi

    eventlet.wsgi.server(
        eventlet.listen(("127.0.0.1", port), backlog=4096),
        app,
        max_size=concurrency + 100,
        log_output=False,
    )
else:
    sys.exit(f"serve.py: unknown server {server}")

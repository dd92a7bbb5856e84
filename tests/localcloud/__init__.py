"""The services that dicomfilter talks to, on this machine: real clients, real HTTP and gRPC.

``ensure.py`` makes the environment that the servers run in, apart from the one under test, since
the two need different versions of the same libraries. ``process.py`` starts a server so that it
cannot outlive its parent, ``bigquery.py`` is the BigQuery of the tests, ``bigquery_server/`` is the
program that it starts, ``faults.py`` lets the way to it fail. ``tests/conftest.py`` has the
fixtures.

    python tests/localcloud/ensure.py       # once; again after requirements.txt has changed
"""

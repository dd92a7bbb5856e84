"""The services that dicomfilter talks to, on this machine: real clients, real HTTP and gRPC.

    python tests/localcloud/ensure.py       # once; again after requirements.txt has changed

makes the environment of the BigQuery server, apart from the one under test, since the two need
different versions of the same libraries. All servers are processes of their own that cannot
outlive the tests, on ports that the kernel chose.

Fixtures (``tests/conftest.py``), all torn down by themselves:

``bigquery_server``  session   the BigQuery; reads and writes ``gs://`` of ``gcs_server``
``bq_client``        test      Google's client for it
``dataset``          test      a fresh dataset ``demo.t…``; sets ``BIGQUERY_EMULATOR_HOST`` and
                               ``BIGQUERY_STORAGE_EMULATOR_HOST``
``load_table``       test      ``load_table("PatientID STRING", {"PatientID": "1"}) -> "bq://…"``
``bq_faults``        test      a proxy before BigQuery's REST; makes the variable name the proxy
``bq_set``           test      ``bq_set(shard_bytes=300)``, ``refuse_read="PERMISSION_DENIED"``, …:
                               see ``BigQueryServer.set``; put back afterwards
``small_shards``     test      exports write many shards
``gcs_server``       session   the Cloud Storage; ``.url``, ``.client()``, ``.environment``
``gcs_client``       test      Google's client for it
``bucket``           test      the name of a fresh bucket; sets ``STORAGE_EMULATOR_HOST``
``gcs_faults``       test      the proxy that every client of Cloud Storage goes through
``healthcare``       session   the Healthcare API; ``.url``, ``.client("v1beta1")``, ``.environment``
``dicom_store``      test      the name of a fresh store, ``projects/demo/…/dicomStores/s…``, in a
                               fresh dataset, that holds pydicom's test files (116 instances of 29
                               studies); sets ``DICOMFILTER_HEALTHCARE_ENDPOINT`` and
                               ``STORAGE_EMULATOR_HOST``, puts all switches back
``hc_faults``        test      the proxy that every client of the Healthcare API goes through
``hc_control``       test      switches of the Healthcare API: hold, pace, refuse, assumptions; its
                               exports reach BigQuery where the test uses ``bigquery_server``
``cloud``            test      all servers as one object, every variable set (see ``stack.py``):
                               ``cloud.make_store()``, ``cloud.export_metadata(store, dataset)``
``tokens``           test      a service account found by ``google.auth.default()``; counts tokens
``short_retries``    test      Google's clients give up after 5 s, also those imported later

Faults (``proxy.py``): a rule meets the next requests whose "METHOD /path?query" fits a pattern.

    gcs_faults.add("POST /upload/", Status(503), times=2)
    gcs_faults.add("PUT /upload/", Reset(When.AFTER), skip=3)   # stored, and nobody hears
    gcs_faults.log                                              # what was asked, what happened

``FAULTS`` names one fault of each kind, for tests over all of them; ``edits.py`` makes answers for
``Edit`` that the servers would never give, such as a job that still runs. ``gcs_server.services`` is
the way on which BigQuery and the Healthcare API reach Cloud Storage, a proxy too: a 403 there is a
service agent without its role; ``gcs_faults`` clears both. ``gcs_server.fidelity.denied`` holds
permissions that ``testIamPermissions`` leaves out, ``.details`` more of what buckets are
(``retentionPolicy``: nothing in it is replaced), ``.policies`` their bindings, ``.page_at_most`` the
length of a page of names; ``gcs_faults`` puts them back. ``bq_set(denied=…, policies=…, details=…)``
does so for tables and datasets. ``faults.py`` is older: a transport under one
client.

The Healthcare API (``healthcare_server/``) takes its routes and its checks of requests from the
discovery documents of Google's client. ``dicom.write_instances`` makes more files. ``hc_control`` speaks to its ``/_test`` routes:

    hc_control.hold(after=3)            # every operation stops after 3 items until release()
    hc_control.release()
    hc_control.set(step_s=0.05, fail=2) # pause an item; how many items of an operation fail
    hc_control.set(fail_instances=[uid, …])  # just these fail, in each operation, until ()
    hc_control.set(refuse_start=7)      # code 7 is an answer 403; refuse_operation=7 is LRO error 7
    hc_control.set(ignores_filter=True) # what the tripwire is for
    hc_control.set(v1_has_filter=False) # v1 answers Unknown name "filterConfig"
    hc_control.set(denied=["healthcare.operations.list"])   # refused, and testIamPermissions knows
    hc_control.set(details={store: {"streamConfigs": […]}}, policies={dataset: [binding, …]})
    hc_control.set(metrics_lag_s=600)   # metrics do not know yet what came or went
    hc_control.set(page_at_most=2)      # small pages, of which a proxy may let one fail
    hc_control.remove(store, uid)       # an instance is no more
    hc_control.assume(missing_path="ignored", zero_counters_absent=False)   # assumptions.py
    hc_control.add(store, folder)       # more DICOM; hc_control.instances(store) lists the UIDs
    hc_control.operations(store)        # what was ever started, to count exports past every fault
    hc_control.make_store(folder)       # another store; without a folder an empty one

What the servers cannot show, so that green tests prove nothing of it, is listed in CONTRIBUTING.md;
tests that need it pretend, or ask a real project (``tests/live.py``). Mind IAM (let a proxy answer 403),
jobs of BigQuery that are not done at once (``Edit(running_job)`` on answers to ``/jobs``), its
strictness about types, ``referencedTables``. Images are transcoded, drawn and de-identified as those
of a folder are (``dicomfilter.stores.folder``). ``JSON_VALUE`` with a path works in BigQuery, subscripts of JSON do not. The
memory of a client is to be measured in a process of its own: the proxies live in the tests' own.

What is assumed about the real service and not documented stands in
``healthcare_server/assumptions.py``, one switch each, and nowhere else.

Outside pytest: ``with Cloud() as cloud:`` of ``stack.py``, or ``python -m tests.localcloud.stack``,
which prints the addresses as variables and serves until its input closes.
"""

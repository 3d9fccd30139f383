"""The management API of the stack under test, with nothing but the standard library."""

import json
import os
import urllib.request

URL = os.environ["OPSKNIGHT_URL"]
KEY = os.environ["OPSKNIGHT_KEY"]


def call(method, path, body=None):
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def integration(provider, **options):
    """A new integration of a new service."""
    service = call("POST", "/api/services", {"name": f"service of {provider}"})["service"]["id"]
    body = {"type": provider, "name": provider, **options}
    return service, call("POST", f"/api/services/{service}/integrations", body)["integration"]


def incidents(service):
    """Title, status and alert count of a service's incidents, newest first."""
    found = call("GET", f"/api/incidents?serviceId={service}")["incidents"]
    return [(one["title"], one["status"], one["alertCount"]) for one in found]


def expect(found, wanted):
    assert found == wanted, f"{found} instead of {wanted}"

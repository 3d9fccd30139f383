"""An upgrade seen from outside: upgrade.py -- COMMAND that upgrades.

Before: an incident is open, and its webhook has heard of it; another webhook's delivery is a dead
letter. While the command runs: alerts come in all the time. Afterwards: the admin key still opens the
API, the incident is there and is resolved, every alert was accepted and is an incident, the webhook
has heard of all, signed with its secret, and a redrive brings the dead letter to its receiver.
"""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

URL, ADMIN_KEY = os.environ["OPSKNIGHT_TEST_URL"], os.environ["OPSKNIGHT_TEST_ADMIN_KEY"]
PATIENCE = 60
# Between two alerts during the upgrade.
PAUSE = 0.25


class Receiver(ThreadingHTTPServer):
    """Keeps what arrives, with its signature."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hook)
        self.arrivals, self.status = [], 200
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def heard(self, event, incident):
        return any(
            a["event"] == event and a["data"]["id"] == incident for a in (json.loads(b) for b, _ in self.arrivals)
        )


class Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrivals.append((body, self.headers["X-Webhook-Signature"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, url, body=None, key=None):
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def api(method, path, body=None):
    return call(method, URL + path, body, ADMIN_KEY)


def until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"FAILED: waited in vain for {what}")
        time.sleep(0.1)


class Alerts(threading.Thread):
    """Sends one alert after the other until it is stopped."""

    def __init__(self, url):
        super().__init__()
        self.url, self.accepted, self.refused, self.done = url, [], [], threading.Event()

    def run(self):
        number = 0
        while not self.done.wait(PAUSE):
            number += 1
            try:
                answer = call("POST", self.url, {"summary": f"during {number}", "id": f"during-{number}"})
                self.accepted.append(answer["result"]["incident"]["id"])
            except (urllib.error.URLError, OSError, KeyError) as error:
                self.refused.append(f"{number}: {error}")


def integrate(name, receiver):
    """A service with an integration, and a webhook that tells the receiver of its incidents."""
    service = api("POST", "/api/services", {"name": name})["service"]["id"]
    integration = api("POST", f"/api/services/{service}/integrations", {"type": "webhook", "name": name})["integration"]
    webhook = api(
        "POST",
        "/api/status-page/webhooks",
        {
            "name": name,
            "url": receiver.url,
            "events": ["incident.created", "incident.resolved"],
            "filter": {"serviceIds": [service]},
        },
    )["webhook"]
    return integration, webhook


def dead_letter():
    """A receiver, and a delivery that it has refused until the end."""
    receiver = Receiver()
    receiver.status = 500
    integration, webhook = integrate("refusing", receiver)
    call("POST", integration["url"], {"summary": "refused", "id": "refused"})
    failed = f"/api/status-page/webhooks/{webhook['id']}/deliveries?status=FAILED"
    until("a dead letter", lambda: api("GET", failed)["deliveries"])
    receiver.status = 200
    return receiver, webhook


def redrive(receiver, webhook):
    attempts = len(receiver.arrivals)
    api("POST", "/api/delivery-queue/redrive")
    until("the dead letter", lambda: len(receiver.arrivals) > attempts)
    delivered = f"/api/status-page/webhooks/{webhook['id']}/deliveries?status=DELIVERED"
    until("its record", lambda: api("GET", delivered)["deliveries"])


def main():
    command = sys.argv[sys.argv.index("--") + 1 :]
    receiver = Receiver()
    integration, webhook = integrate("upgraded", receiver)
    opened = call("POST", integration["url"], {"summary": "before", "id": "before"})["result"]["incident"]["id"]
    until("the delivery before the upgrade", lambda: receiver.heard("incident.created", opened))
    refusing = dead_letter()

    alerts = Alerts(integration["url"])
    alerts.start()
    status = subprocess.run(command).returncode
    alerts.done.set()
    alerts.join()
    if status != 0:
        sys.exit("FAILED: the upgrade itself")
    print(f"{len(alerts.accepted)} alerts accepted during the upgrade, {len(alerts.refused)} not")
    for refusal in alerts.refused[:5]:
        print(f"  {refusal}")

    incident = api("GET", f"/api/incidents/{opened}")["incident"]
    assert (incident["status"], incident["title"]) == ("OPEN", "before"), incident
    resolved = call("POST", integration["url"], {"status": "ok", "id": "before"})["result"]
    assert (resolved["action"], resolved["incident"]["id"]) == ("resolved", opened), resolved
    until("the delivery after the upgrade", lambda: receiver.heard("incident.resolved", opened))
    for accepted in alerts.accepted:
        until(f"the delivery of {accepted}", lambda: receiver.heard("incident.created", accepted))
        assert api("GET", f"/api/incidents/{accepted}")["incident"]["status"] == "OPEN", accepted
    for body, signature in receiver.arrivals:
        expected = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).hexdigest()
        assert signature == f"sha256={expected}", signature
    redrive(*refusing)
    if alerts.refused or not alerts.accepted:
        sys.exit("FAILED: not every alert was accepted during the upgrade")


if __name__ == "__main__":
    main()

"""pdpyras, unmodified but for its host: trigger, acknowledge, resolve, change event."""

import pdpyras
from management import URL, expect, incidents, integration

service, created = integration("pagerduty")
session = pdpyras.EventsAPISession(created["key"])
session.url = URL

key = session.trigger("Checkout is slow", "checkout-1", severity="critical", custom_details={"p99": "4 s"})
expect(incidents(service), [("Checkout is slow", "OPEN", 1)])
session.trigger("Checkout is slow", "checkout-1", dedup_key=key)
expect(incidents(service), [("Checkout is slow", "OPEN", 2)])
session.acknowledge(key)
expect(incidents(service), [("Checkout is slow", "ACKNOWLEDGED", 2)])
session.resolve(key)
expect(incidents(service), [("Checkout is slow", "RESOLVED", 2)])

changes = pdpyras.ChangeEventsAPISession(created["key"])
changes.url = URL
changes.submit("Deployed 1.2.3", source="ci")
expect(len(incidents(service)), 1)

try:
    stranger = pdpyras.EventsAPISession("0" * 32)
    stranger.url = URL
    stranger.trigger("x", "y")
    raise AssertionError("an unknown routing key was accepted")
except pdpyras.PDHTTPError as refused:
    expect(refused.response.status_code, 400)
print("pdpyras", pdpyras.__version__, "triggers, acknowledges, resolves and reports changes")

"""Uptime Kuma's own webhook notification code, with both of its content types."""

import subprocess
import sys

from management import expect, incidents, integration

sender = sys.argv[1:]
for content_type in ["json", "form-data"]:
    service, created = integration("uptime-kuma")
    for status in ["0", "0", "1"]:
        subprocess.run([*sender, created["url"], content_type, status], check=True, timeout=60)
    expect([(status, count) for _, status, count in incidents(service)], [("RESOLVED", 2)])
print("uptime-kuma opens and closes, as JSON and as a form")

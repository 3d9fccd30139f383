// What a browser can do better with a script. Every page works without it.
(() => {
  "use strict";
  const PERIOD = 30_000;

  // A link of another site led here: from our own page the session's cookie is sent.
  const onward = document.querySelector("a[data-continue]");
  if (onward) return location.replace(onward.href);

  // A reload of a form's answer leads to its page instead of sending the form again.
  const here = document.getElementById("main").dataset.here;
  if (here) history.replaceState(null, "", here);

  // A second tap does not send a form a second time.
  addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // The open incidents stay fresh while somebody looks at them and types nothing.
  const live = () => document.getElementById("live");
  if (!live()) return;
  const refresh = async () => {
    if (document.hidden || live().matches(":focus-within")) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!answer.ok) throw new Error(answer.status);
      if (!fresh) return location.reload();
      live().replaceWith(fresh);
      document.title = page.title;
    } catch {
      document.getElementById("stale").hidden = false;
    }
  };
  setInterval(refresh, PERIOD);
  addEventListener("visibilitychange", refresh);
})();

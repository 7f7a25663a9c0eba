// The desk: live part, clocks, sound, and one key to acknowledge. It rings while something waits, or nothing is known.
(() => {
  "use strict";
  const desk = document.getElementById("desk");
  const part = document.getElementById("part");
  const stale = document.getElementById("stale");
  const shift = document.getElementById("shift");
  const token = document.querySelector("#answer input[name=token]").value;
  const text = desk.dataset;
  const UNCONFIRMED_MS = 10000;
  const SETTLED_MS = 700;
  const RECONNECT_MS = 3000;
  const places = new Map(); // id -> {index, at}: a card that has just moved takes no key that was meant for another
  const submitted = new Map(); // id -> {at, failed}
  let known = { age: Infinity, at: 0, ahead: 0 }; // age of the queue at the last beat; the server's clock is `ahead`
  let sound = null;
  let source = null;
  let opened = 0;

  const now = () => performance.now();
  const age = () => known.age + now() - known.at;
  const isStale = () => age() > text.staleSeconds * 1000;
  const cards = () => [...part.querySelectorAll("article[data-id]")];

  const beat = (data) => {
    const { now: server, complete_at: complete } = JSON.parse(data);
    known = { age: complete === null ? Infinity : Math.max(0, server - complete), at: now(), ahead: server - Date.now() };
    const time = document.querySelector(".who time");
    if (complete !== null && time) {
      time.textContent = new Intl.DateTimeFormat("zh-CN", { timeStyle: "medium", hourCycle: "h23", timeZone: "Asia/Shanghai" }).format(complete);
      time.dateTime = new Date(complete).toISOString();
    }
  };

  const connect = () => {
    source?.close();
    opened = now();
    source = new EventSource(text.stream);
    source.addEventListener("beat", (event) => { beat(event.data); look(); });
    source.addEventListener("part", (event) => { show(event.data); look(); });
  };

  const show = (html) => {
    const focused = document.activeElement?.closest?.("article[data-id]")?.dataset.id;
    part.innerHTML = html;
    const there = new Set(cards().map((card) => card.dataset.id));
    for (const id of submitted.keys()) if (!there.has(id)) submitted.delete(id);
    for (const id of places.keys()) if (!there.has(id)) places.delete(id);
    cards().forEach((card, index) => {
      if (places.get(card.dataset.id)?.index !== index) places.set(card.dataset.id, { index, at: now() });
    });
    if (focused) (cards().find((card) => card.dataset.id === focused) ?? cards()[0])?.querySelector("button, a")?.focus();
  };

  const outcome = (id) => {
    const one = submitted.get(id);
    if (!one) return "";
    if (one.failed) return text.failed;
    return now() - one.at > UNCONFIRMED_MS ? text.unconfirmed : text.submitted;
  };

  const write = (element, value) => { if (element && element.textContent !== value) element.textContent = value; };

  const isSettled = (card) => now() - (places.get(card.dataset.id)?.at ?? 0) > SETTLED_MS;

  const rings = (card) => {
    const one = submitted.get(card.dataset.id);
    return !one || one.failed || now() - one.at > UNCONFIRMED_MS;
  };

  const look = () => {
    if (source.readyState === EventSource.CLOSED && now() - opened > RECONNECT_MS) connect();
    const all = cards();
    for (const card of all) {
      const seconds = Math.max(0, Math.floor((Date.now() + known.ahead - card.dataset.since) / 1000));
      write(card.querySelector(".elapsed"), `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
      card.classList.toggle("overdue", seconds > text.withinSeconds);
      write(card.querySelector(".outcome"), outcome(card.dataset.id));
      card.toggleAttribute("data-settled", isSettled(card));
    }
    const untrusted = isStale();
    if (stale.hidden === untrusted) stale.hidden = !untrusted;
    document.querySelector(".who .pill")?.classList.toggle("good", !untrusted);
    const ringing = untrusted || all.some(rings);
    document.body.classList.toggle("ringing", ringing);
    const count = all.length ? `(${all.length}) ` : "";
    document.title = untrusted ? `⚠ ${count}${text.untrusted}` : count + text.site;
    if (ringing) ring();
  };

  const tone = (hertz, begin) => {
    const oscillator = sound.createOscillator();
    const gain = sound.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.value = 0.3;
    oscillator.connect(gain).connect(sound.destination);
    oscillator.start(sound.currentTime + begin);
    oscillator.stop(sound.currentTime + begin + 0.2);
  };

  let rung = -Infinity;
  const ring = () => {
    if (!sound || now() - rung < 1500) return;
    rung = now();
    tone(880, 0);
    tone(660, 0.25);
  };

  const acknowledge = async (card) => {
    const button = card?.querySelector("button[formaction]");
    const id = card?.dataset.id;
    const before = submitted.get(id);
    if (!button || !isSettled(card) || (before && !before.failed && now() - before.at < UNCONFIRMED_MS)) return;
    const one = { at: now(), failed: false };
    submitted.set(id, one);
    look();
    try {
      const answer = await fetch(button.formAction, {
        method: "POST", headers: { "X-Session-Token": token }, redirect: "manual",
      });
      // A redirection leads back to the desk; 404 is an answer of somebody else, whose event takes the card away.
      one.failed = !(answer.type === "opaqueredirect" || answer.ok || answer.status === 404);
    } catch {
      one.failed = true;
    }
    look();
  };

  document.addEventListener("submit", (event) => {
    const card = event.submitter?.closest("article[data-id]");
    if (!card) return;
    event.preventDefault();
    acknowledge(card);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
    const number = event.key.toLowerCase() === "a" ? 1 : /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    if (number) acknowledge(cards()[number - 1]);
  });

  // Browsers let a page sound, and keep the screen awake, only after a person touched it.
  shift.hidden = false;
  shift.addEventListener("click", async () => {
    sound = new AudioContext();
    shift.hidden = true;
    document.getElementById("sound-on").hidden = false;
    look();
    try { await navigator.wakeLock?.request("screen"); } catch { /* the screen may sleep; it rings all the same */ }
  });

  beat(text.beat);
  connect();
  new Worker(text.clock).onmessage = look;
  look();
})();

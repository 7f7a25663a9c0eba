// Keys of the console, silent while somebody types; and the place after a part of the page was exchanged.
(() => {
  "use strict";
  const typing = () => document.activeElement?.matches("input:not([type=checkbox]), textarea, select") ?? false;
  const rows = () => [...document.querySelectorAll(".rows h3 a")];

  const move = (by) => {
    const found = rows();
    if (!found.length) return;
    const now = found.indexOf(document.activeElement);
    found[Math.min(found.length - 1, Math.max(0, now + by))].focus();
  };

  const help = () => {
    const dialog = document.getElementById("keys");
    if (dialog && !dialog.open) dialog.showModal();
  };

  const focusBox = () => {
    const box = document.getElementById("q");
    box?.focus();
    box?.select();
  };

  const keys = { "/": focusBox, "j": () => move(1), "k": () => move(-1), "?": help };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing() || document.querySelector("dialog[open]")) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  // A screen reader hears how many were found, and Tab goes on from there.
  document.addEventListener("htmx:after:swap", () => {
    const found = document.getElementById("found") ?? document.getElementById("main");
    found?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });
})();

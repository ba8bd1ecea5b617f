"use strict";
// The pages of the other gradings: every change is saved at once, one after the other; the server says where the plant stands.
(() => {
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const { address, lost, saved } = document.body.dataset;
  let turn = Promise.resolve();
  const typed = new Map();      // field -> timer of what is still being typed

  const warn = (text) => {
    const box = document.getElementById("alert");
    box.textContent = text;
    box.hidden = !text;
  };

  async function post(path, content) {
    const headers = { "X-CSRF-Token": csrf, "Content-Type": "application/json", Accept: "application/json" };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(content), credentials: "same-origin", redirect: "error" });
    return { ok: response.ok, said: await response.json().catch(() => ({ message: response.statusText })) };
  }

  function state(line, text, wrong = false) {
    line.textContent = text;
    line.classList.toggle("wrong", wrong);
  }

  async function save(path, content, line, form) {
    try {
      const { ok, said } = await post(path, typeof content === "function" ? content() : content);
      warn("");
      state(line, ok ? saved : said.message, !ok);
      if (form) {
        form.classList.toggle("wrong", !ok);
        if (said.version) form.dataset.version = said.version;
      }
      if (said.standing !== undefined) document.getElementById("standing").innerHTML = said.standing;
    } catch { warn(lost); state(line, lost, true); if (form) form.classList.add("wrong"); }
  }

  function later(field, act) {
    clearTimeout(typed.get(field));
    typed.set(field, setTimeout(() => { typed.delete(field); act(); }, 700));
  }

  for (const form of document.querySelectorAll("form.part")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const content = { ...Object.fromEntries(new FormData(form)), out: event.submitter ? event.submitter.value : "" };
      const line = form.querySelector(".state");
      try {
        const { ok, said } = await post(`/scope/${encodeURIComponent(form.dataset.node)}`, content);
        if (ok) location.reload(); else state(line, said.message, true);
      } catch { warn(lost); }
    });
  }

  for (const form of document.querySelectorAll("form.item[data-item]")) {
    const line = form.querySelector(".state");
    const content = () => ({ ...Object.fromEntries(new FormData(form)), seen: form.dataset.version });
    const act = () => { turn = turn.then(() => save(`${address}/items/${encodeURIComponent(form.dataset.item)}`, content, line, form)); };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => { clearTimeout(typed.get(event.target)); typed.delete(event.target); act(); });
    form.addEventListener("input", (event) => { if (event.target.matches('input:not([type="radio"])')) later(event.target, act); });
  }

  for (const field of document.querySelectorAll("input[data-figure]")) {
    const line = document.getElementById("figures-state");
    const act = () => { turn = turn.then(() => save(`${address}/figures`, { figure: field.dataset.figure, number: field.value }, line)); };
    field.addEventListener("change", () => { clearTimeout(typed.get(field)); typed.delete(field); act(); });
    field.addEventListener("input", () => later(field, act));
  }

  for (const button of document.querySelectorAll("button[data-begin]")) {
    button.addEventListener("click", async () => {
      try {
        const { ok, said } = await post(`${button.dataset.begin}/begin`, {});
        if (ok) location.href = button.dataset.begin; else warn(said.message);
      } catch { warn(lost); }
    });
  }

  window.addEventListener("beforeunload", (event) => { if (typed.size) event.preventDefault(); });
})();

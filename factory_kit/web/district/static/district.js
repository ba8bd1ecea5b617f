// Sends bundles one after the other, shows how far each is and what came of it; opens all tables for printing.
(() => {
  "use strict";
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const form = document.getElementById("upload");
  const list = document.getElementById("sent");

  function line(name) {
    const item = document.createElement("li");
    const head = document.createElement("strong");
    head.textContent = name;
    const state = document.createElement("span");
    const bar = document.createElement("progress");
    bar.max = 100;
    bar.setAttribute("aria-label", name);
    item.append(head, " ", state, bar);
    list.append(item);
    return { item, state, bar };
  }

  function end(shown, text, tone) {
    shown.bar.remove();
    shown.state.className = `state ${tone}`;
    shown.state.textContent = text;
  }

  function receipt(shown, found) {
    end(shown, found.said, found.outcome.startsWith("accepted") ? "good" : "bad");
    if (found.number !== null) {
      const link = document.createElement("a");
      link.href = `/receipts/${found.number}`;
      link.textContent = form.dataset.receipt.replace("{number}", found.number);
      shown.item.append(" ", link);
    }
    for (const rule of found.rules) {
      const said = document.createElement("p");
      said.textContent = `${rule.rule} ${rule.said}`;
      shown.item.append(said);
    }
  }

  function send(file) {
    const shown = line(file.name);
    if (file.size > Number(form.dataset.largest)) { end(shown, form.dataset.tooLarge, "bad"); return Promise.resolve(); }
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/uploads?${new URLSearchParams({ name: file.name })}`);
      request.setRequestHeader("X-CSRF-Token", csrf);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        const percent = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) : 0;
        shown.bar.value = percent;
        shown.state.textContent = percent < 100 ? form.dataset.sending.replace("{percent}", percent) : form.dataset.checking;
      });
      request.addEventListener("load", () => {
        if (request.status === 200 && request.response) receipt(shown, request.response);
        else end(shown, (request.response && request.response.message) || form.dataset.gone, "bad");
        done();
      });
      for (const way of ["error", "abort", "timeout"]) request.addEventListener(way, () => { end(shown, form.dataset.gone, "bad"); done(); });
      request.send(file);
    });
  }

  if (form) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      const files = document.getElementById("files");
      button.disabled = true;
      for (const file of [...files.files]) await send(file);
      files.value = "";
      button.disabled = false;
      button.focus();
    });
  }

  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) if (!each.querySelector("form")) each.open = true; });
})();

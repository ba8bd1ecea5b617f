"use strict";
// The page of the questionnaire: keys, saving without being asked, and what changed elsewhere. The server draws everything.
(() => {
  const at = (id) => document.getElementById(id);
  const says = JSON.parse(document.body.dataset.says);
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const drafts = `factory-kit ${document.body.dataset.sheet} `;
  const LARGEST = 20 * 1024 * 1024;
  const versions = new Map();   // question -> version of its answer as this page knows it
  const waiting = new Map();    // question -> what is still to be saved
  let revision = document.body.dataset.revision;
  let open = "";                // the question that is shown
  let place = "";
  let saving = false;
  let held = null;              // an answer that met another one
  let typing = 0;
  let asked = 0;                // counts questions opened, so that a slow answer does not replace a later one
  let loading = false;          // a question is on its way: the one still shown takes no more input,
  const queued = [];            // and keys wait for the next

  // --- small things

  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false });
  const inText = (element) => element.matches('textarea, select, input:not([type="radio"]):not([type="checkbox"]):not([type="file"])');
  const keysOn = () => at("keys-on").checked;
  const rows = () => [...document.querySelectorAll("#lists .row")];
  const row = (code) => document.querySelector(`#lists .row[data-code="${CSS.escape(code)}"]`);
  const named = () => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } };
  const smooth = { block: "nearest" };

  function state(text, kind = "") {
    const line = at("state");
    if (line) { line.textContent = text; line.className = `state ${kind}`; }
  }

  function alert(text, buttons = [], calm = false) {
    const box = at("alert");
    const line = document.createElement("p");
    line.textContent = text;
    box.replaceChildren(line, ...buttons.map(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", act);
      return button;
    }));
    box.classList.toggle("calm", calm);
    box.hidden = false;
  }

  const quiet = () => { at("alert").hidden = true; };

  async function ask(address, options = {}) {
    const headers = { "X-CSRF-Token": csrf, Accept: "application/json", ...options.headers };
    return fetch(address, { ...options, headers, credentials: "same-origin", redirect: "error" });
  }

  const send = (code, what, content) => ask(`/questions/${encodeURIComponent(code)}/${what}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  });

  async function message(response) {
    try { return (await response.json()).message || response.statusText; } catch { return response.statusText; }
  }

  // --- parts of the page that the server draws anew

  function put(parts) {
    const focus = document.activeElement;
    for (const [id, html] of Object.entries(parts || {})) {
      const element = at(id);
      if (!element || (element.contains(focus) && inText(focus))) continue;
      const again = element.contains(focus) && (focus.id ? `#${focus.id}` : focus.dataset.code ? `[data-code="${focus.dataset.code}"]`
        : focus.dataset.place ? `[data-place="${focus.dataset.place}"]` : "");
      const openDetails = element.querySelector("details")?.open;
      element.innerHTML = html;
      if (openDetails) element.querySelector("details").open = true;
      if (again) element.querySelector(again)?.focus({ preventScroll: true });
    }
    mark();
  }

  function mark() {
    for (const section of document.querySelectorAll("#lists .place")) section.hidden = section.dataset.place !== place;
    for (const button of document.querySelectorAll("#places button")) button.setAttribute("aria-pressed", String(button.dataset.place === place));
    for (const each of rows()) {
      if (each.dataset.code === open) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
    const language = at("language");
    language.href = `${language.href.split("#")[0]}#${open}`;
  }

  // --- one question

  async function show(code, focus = true) {
    const found = row(code);
    if (!found) return;
    keepTyped();
    flush();
    const turn = ++asked;
    const panel = at("panel");
    const within = panel.contains(document.activeElement) ? document.activeElement.id : "";
    loading = true;
    panel.inert = true;
    open = code;
    place = found.closest(".place").dataset.place;
    history.replaceState(null, "", `#${code}`);
    mark();
    found.scrollIntoView(smooth);
    let response;
    let text = "";
    try {
      response = await ask(`/questions/${encodeURIComponent(code)}`);
      if (response.ok) text = await response.text();
    } catch { if (turn === asked) { stay(); lost(); } return; }
    if (turn !== asked) return;
    if (!response.ok) { stay(); alert(await message(response), [[says.reload, () => location.reload()]]); return; }
    panel.innerHTML = text;
    panel.scrollTop = 0;
    panel.inert = false;
    loading = false;
    const question = panel.querySelector("article");
    if (!waiting.has(code)) versions.set(code, question.dataset.version);
    state("");
    restore(code);
    if (focus) at("asked").focus({ preventScroll: true });
    else if (within) at(within)?.focus({ preventScroll: true });
    replay();
  }

  const shown = () => at("panel").querySelector("article")?.dataset.code || "";

  function stay() {             // the question asked for did not come: the one before goes on
    loading = false;
    queued.length = 0;
    at("panel").inert = false;
    if (shown()) { open = shown(); mark(); }
  }

  function replay() {
    while (queued.length && !loading) {
      const key = queued.shift();
      const field = document.activeElement;
      if (!inText(field)) { act(key); continue; }
      if (field.matches("textarea, #note, #by, #why")) {
        field.setRangeText(key, field.selectionStart, field.selectionEnd, "end");
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
  }

  function step(by) {
    const all = rows();
    const now = all.findIndex((each) => each.dataset.code === open);
    const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
    if (next && next.dataset.code !== open) show(next.dataset.code);
  }

  function nextOpen() {
    const all = rows();
    const now = all.findIndex((each) => each.dataset.code === open);
    const order = [...all.slice(now + 1), ...all.slice(0, now + 1)];
    const next = order.find((each) => each.dataset.tone === "open" && !("out" in each.dataset) && !waiting.has(each.dataset.code));
    if (next) show(next.dataset.code);
  }

  function goTo(name) {
    const first = document.querySelector(`#lists .place[data-place="${CSS.escape(name)}"] .row`);
    if (first) show(first.dataset.code);
  }

  function otherPlace(by) {
    const all = [...document.querySelectorAll("#places button")].map((each) => each.dataset.place);
    goTo(all[(all.indexOf(place) + by + all.length) % all.length]);
  }

  // --- saving

  function filledIn() {
    const form = at("answer");
    const content = new FormData(form);
    return { choice: content.get("choice") || "no:not assessed", reason: content.get("reason"), remark: content.get("remark") };
  }

  function touched(soon) {
    if (!open || shown() !== open) return;
    const content = filledIn();
    try { sessionStorage.setItem(drafts + open, JSON.stringify(content)); } catch { /* the page itself still holds it */ }
    clearTimeout(typing);
    if (content.choice === "no:not applicable" && !content.reason.trim()) {
      waiting.delete(open);
      state(says.needs_reason, "wrong");
      if (soon) at("reason").focus();
      return;
    }
    waiting.set(open, content);
    state(says.unsaved, "busy");
    if (soon) flush(); else typing = setTimeout(flush, 500);
  }

  function keepTyped() {
    if (waiting.has(open) && shown() === open) waiting.set(open, filledIn());
  }

  function restore(code) {
    const kept = waiting.get(code) || JSON.parse(sessionStorage.getItem(drafts + code) || "null");
    if (!kept || !at("answer")) return;
    const now = filledIn();
    if (now.choice === kept.choice && now.reason.trim() === kept.reason.trim() && now.remark.trim() === kept.remark.trim()) { forget(code); return; }
    const form = at("answer");
    for (const radio of form.elements.choice) radio.checked = radio.value === kept.choice;
    form.elements.reason.value = kept.reason;
    form.elements.remark.value = kept.remark;
    touched(false);
  }

  function forget(code) {
    waiting.delete(code);
    try { sessionStorage.removeItem(drafts + code); } catch { /* nothing was kept */ }
  }

  async function flush() {
    clearTimeout(typing);
    if (saving || held) return;
    saving = true;
    while (waiting.size && !held) {
      const [code, content] = waiting.entries().next().value;
      if (code === open) state(says.saving, "busy");
      let response;
      try { response = await send(code, "answer", { ...content, seen: versions.get(code) || "" }); } catch { saving = false; lost(); return; }
      if (response.status === 503) { saving = false; lost(await message(response)); return; }
      await answered(code, content, response);
    }
    saving = false;
  }

  async function answered(code, content, response) {
    const latest = waiting.get(code) === content;
    if (response.ok) {
      if (latest) forget(code);
      quietGone();
      took(code, await response.json());
      if (code === open) state(waiting.has(code) ? says.unsaved : says.saved.replace("{time}", clock()), waiting.has(code) ? "busy" : "");
      return;
    }
    if (response.status === 409) { clash(code, content, await response.json()); return; }
    if (latest) waiting.delete(code);
    const text = await message(response);
    if (code === open) state(text, "wrong"); else alert(`${code}: ${text}`);
  }

  function took(code, content) {
    versions.set(code, content.version);
    revision = content.revision;
    const parts = { ...content.parts };
    if (code !== open) for (const part of ["machines", "items", "decision"]) delete parts[part];
    put(parts);
  }

  function clash(code, content, found) {
    held = { code, content, version: found.version };
    took(code, found);
    const mine = [content.choice.split(":").slice(1).join(":") || content.choice, content.reason, content.remark].filter(Boolean).join(" · ");
    alert(`${code}: ${found.message}\n${says.yours.replace("{text}", mine)}`, [
      [says.theirs, () => { held = null; forget(code); quiet(); show(code); flush(); }],
      [says.mine, () => { held = null; versions.set(code, found.version); waiting.set(code, content); quiet(); flush(); }],
    ]);
  }

  let gone = false;
  function lost(text = says.gone) {
    if (!gone) alert(text);
    gone = true;
    state(says.unsaved, "wrong");
    setTimeout(flush, 2000);
  }
  function quietGone() { if (gone) { gone = false; quiet(); } }

  // --- evidence and decisions

  async function evidence(work, done) {
    const code = open;
    if (shown() !== code) return false;
    if (waiting.size) await flush();
    state(says.sending, "busy");
    let response;
    try { response = await work(code, versions.get(code) || ""); } catch { state(says.gone, "wrong"); return false; }
    if (!response.ok && response.status !== 409) { if (code === open) state(await message(response), "wrong"); return false; }
    const content = await response.json();
    took(code, content);
    if (code === open) state(response.ok ? done.replace("{time}", clock()) : content.message, response.ok ? "" : "wrong");
    if (!response.ok && code === open) show(code, false);
    return response.ok;
  }

  const fields = () => ({ grade: at("grade").value, note: at("note").value, expires: at("expires").value });

  async function add() {
    const content = fields();
    at("note").blur();
    if (await evidence((code, seen) => send(code, "evidence", { ...content, seen }), says.added)) at("add")?.reset();
  }

  async function upload(file) {
    if (file.size > LARGEST) { state(says.too_large, "wrong"); return; }
    const content = fields();
    const told = await evidence((code, seen) => {
      const query = new URLSearchParams({ ...content, seen, name: file.name });
      return ask(`/questions/${encodeURIComponent(code)}/file?${query}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
    }, says.added);
    if (told) at("add")?.reset(); else if (at("file")) at("file").value = "";
  }

  async function decide() {
    const form = at("decide");
    const content = { value: at("decided").value, by: at("by").value, why: at("why").value, seen: form.dataset.seen };
    document.activeElement.blur();
    await evidence((code) => send(code, "decision", content), says.decided);
  }

  // --- what others change

  async function look() {
    if (document.hidden || saving || gone) return;
    let response;
    try { response = await ask(`/changes?since=${revision}&code=${encodeURIComponent(open)}`); } catch { lost(); return; }
    if (!response.ok) { if (response.status !== 503) alert(await message(response), [[says.reload, () => location.reload()]]); return; }
    const found = await response.json();
    if (!found.changed || saving) return;
    revision = found.revision;
    put(found.parts);
    if (found.version !== versions.get(open) && !waiting.has(open)) {
      alert(says.elsewhere, [[at("help-dialog").querySelector("button").firstChild.textContent.trim(), quiet]], true);
      show(open, false);
    }
  }

  // --- keys and clicks

  const letters = {
    j: () => step(1), k: () => step(-1), g: nextOpen, "[": () => otherPlace(-1), "]": () => otherPlace(1),
    r: () => at("reason")?.focus(), t: () => at("remark")?.focus(), e: () => at("note")?.focus(), f: () => at("file")?.focus(),
    o: () => at("todo-dialog").showModal(), "?": () => at("help-dialog").showModal(),
  };

  function pressed(event) {
    const target = event.target;
    if (event.key === "Escape" && inText(target)) { target.blur(); event.preventDefault(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || inText(target) || document.querySelector("dialog[open]") || !keysOn()) return;
    if (loading && event.key.length === 1) queued.push(event.key);
    else if (!act(event.key)) return;
    event.preventDefault();
  }

  function act(key) {
    const choice = at("panel").querySelector(`input[data-key="${CSS.escape(key)}"]`);
    if (choice) {
      choice.checked = true;
      touched(true);
      return true;
    }
    if (!letters[key]) return false;
    letters[key]();
    return true;
  }

  function clicked(event) {
    const link = event.target.closest("a[data-code]");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      at("todo-dialog").close();
      show(link.dataset.code);
      return;
    }
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.place) goTo(button.dataset.place);
    if (button.dataset.step) ({ next: () => step(1), previous: () => step(-1), open: nextOpen })[button.dataset.step]();
    if (button.dataset.remove) evidence((code, seen) => send(code, `evidence/${button.dataset.remove}/remove`, { seen }), "");
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("input", (event) => { if (event.target.closest("#answer") && inText(event.target)) touched(false); });
  document.addEventListener("change", (event) => {
    if (event.target.closest("#answer")) touched(event.target.type === "radio");
    if (event.target.id === "file" && event.target.files.length) upload(event.target.files[0]);
    if (event.target.id === "keys-on") localStorage.setItem("factory-kit keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "add") { event.preventDefault(); add(); }
    if (event.target.id === "decide") { event.preventDefault(); decide(); }
    if (event.target.id === "answer") event.preventDefault();
  });
  at("show-todo").addEventListener("click", letters.o);
  at("show-help").addEventListener("click", letters["?"]);
  at("print").addEventListener("click", () => print());
  addEventListener("hashchange", () => { const code = named(); if (code !== open) show(code); });
  addEventListener("beforeunload", (event) => { if (waiting.size) { flush(); event.preventDefault(); } });
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, 3000);
  at("keys-on").checked = localStorage.getItem("factory-kit keys") !== "off";

  const first = named();
  const start = (first && row(first)) || rows().find((each) => each.dataset.tone === "open" && !("out" in each.dataset)) || rows()[0];
  if (start) show(start.dataset.code, false);
})();

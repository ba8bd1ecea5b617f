// Search without a server and without a network, and buttons that copy code.
"use strict";
(function () {
  const field = document.getElementById("search"), list = document.getElementById("hits");
  const root = field.dataset.root === "." ? "" : field.dataset.root + "/";
  let loading = null;

  function pages() {
    loading = loading || new Promise(function (done, failed) {
      const script = document.createElement("script");
      script.src = root + "search.index.js";
      script.onload = function () { done(window.PAGES); };
      script.onerror = failed;
      document.head.append(script);
    });
    return loading;
  }

  function count(text, word) { return text.toLowerCase().split(word).length - 1; }

  // Words are looked for as they stand, so Chinese needs no dictionary; every one of them must occur.
  function score(page, words) {
    let sum = page.lang === field.dataset.lang ? 4 : 0;
    for (const word of words) {
      const here = 20 * Math.min(1, count(page.title, word)) + 8 * Math.min(1, count(page.page, word)) + Math.min(5, count(page.text, word));
      if (here === 0) return 0;
      sum += here;
    }
    return sum;
  }

  function marked(text, words) {
    const whole = document.createElement("small"), low = text.toLowerCase();
    const at = Math.max(0, low.indexOf(words.find(function (word) { return low.includes(word); }) || "") - 40);
    const shown = (at ? "…" : "") + text.slice(at, at + 160) + (text.length > at + 160 ? "…" : "");
    const parts = shown.split(new RegExp("(" + words.map(function (word) { return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"); }).join("|") + ")", "gi"));
    parts.forEach(function (part, place) {
      if (place % 2) { const mark = document.createElement("mark"); mark.textContent = part; whole.append(mark); } else whole.append(part);
    });
    return whole;
  }

  function show(all) {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    list.hidden = words.length === 0;
    if (list.hidden) return;
    const hits = all.map(function (page) { return [score(page, words), page]; }).filter(function (hit) { return hit[0] > 0; });
    hits.sort(function (one, two) { return two[0] - one[0]; });
    for (const hit of hits.slice(0, 14)) {
      const line = document.createElement("li"), link = document.createElement("a");
      link.href = root + hit[1].url;
      link.textContent = hit[1].title === hit[1].page ? hit[1].page : hit[1].page + " › " + hit[1].title;
      link.append(marked(hit[1].text, words));
      line.append(link);
      list.append(line);
    }
    if (hits.length === 0) list.append(field.dataset.none);
  }

  field.addEventListener("input", function () { pages().then(show); });
  field.addEventListener("keydown", function (event) {
    const first = list.querySelector("a");
    if (event.key === "Enter" && first) first.click();
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
    if (event.key === "Escape") { field.value = ""; list.hidden = true; }
  });
  list.addEventListener("click", function () { list.hidden = true; });
  list.addEventListener("keydown", function (event) {
    const line = event.target.closest("li"), next = event.key === "ArrowDown" ? line.nextElementSibling : event.key === "ArrowUp" ? line.previousElementSibling : null;
    if (event.key === "Escape") { list.hidden = true; field.focus(); }
    if (next) { event.preventDefault(); next.querySelector("a").focus(); }
  });
  document.addEventListener("click", function (event) { if (!event.target.closest(".search")) list.hidden = true; });
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) { event.preventDefault(); field.focus(); }
  });

  const zh = field.dataset.lang === "zh";
  document.querySelectorAll(".codehilite").forEach(function (block) {
    const button = document.createElement("button"), text = block.querySelector("pre").innerText;
    button.className = "copy";
    button.type = "button";
    button.textContent = zh ? "复制" : "Copy";
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(text).then(function () { button.textContent = zh ? "已复制" : "Copied"; });
    });
    block.append(button);
  });
})();

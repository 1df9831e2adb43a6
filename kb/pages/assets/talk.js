// The conversation: what is typed is taken at once, asked one at a time, and kept over a reload.
(() => {
  const KB = window.KB;
  const STORE = `kb-talk-${KB.home}`;
  const KEPT = 20;
  const log = () => document.getElementById("kb-log");
  const field = () => document.querySelector("#kb-question textarea");
  let send = null;
  let busy = null;
  let mark = Date.now();
  let told = { turns: 0, history: [] };
  const waiting = [];
  const lost = [];                       // asked in vain; a reload asks them again

  const hero = (shown) => document.getElementById("kb-hero")?.classList.toggle("kb-gone", !shown);
  const radios = () => [...document.querySelectorAll("#kb-role input")];
  const role = () => radios().find((one) => one.checked)?.value || "";
  const takeRole = (wanted) => {
    const found = radios().find((one) => one.value === wanted);
    if (found && !found.checked) found.click();
  };
  const keep = () => {
    const turns = [...(log()?.querySelectorAll(".kb-turn:not(.kb-pending):not(.kb-lost)") || [])].slice(-KEPT);
    const open = busy ? [...lost, busy, ...waiting] : [...lost, ...waiting];
    try {
      sessionStorage.setItem(STORE, JSON.stringify({
        told, html: turns.map((turn) => turn.outerHTML).join(""), open, draft: field()?.value || "", role: role(),
        address: KB.chatAddress,
      }));
    } catch { /* private window or full: nothing is kept */ }
  };
  const kept = () => {
    try { return JSON.parse(sessionStorage.getItem(STORE) || "null"); } catch { return null; }
  };

  const pendingTurn = (asked) => {
    const turn = document.createElement("article");
    turn.className = "kb-turn kb-pending";
    turn.dataset.mark = asked.mark;
    const head = document.createElement("h2");
    head.className = "kb-question";
    head.textContent = asked.query;
    const note = document.createElement("p");
    note.className = "kb-message";
    note.textContent = KB.t(document.querySelector("[data-state=starting]") ? "pending_long" : "pending");
    turn.append(head, note);
    return turn;
  };
  const pendingOf = (asked) => log()?.querySelector(`.kb-pending[data-mark="${asked.mark}"]`);
  const pump = () => {
    if (busy || !send || !waiting.length) return;
    busy = waiting.shift();
    send("select", { ...busy, ...told });
  };
  KB.ask = (query, fresh = false, more = {}) => {
    const asked = { query, fresh, role: role(), ...more, mark: (mark += 1) };
    KB.tab("chat");
    hero(false);
    KB.hush();
    const turn = pendingTurn(asked);
    log().append(turn);
    turn.scrollIntoView({ block: "start" });
    waiting.push(asked);
    keep();
    pump();
  };
  // The box is emptied the moment its text has become a question on the page.
  const take = () => {
    const text = field()?.value || "";
    if (text.trim()) {
      write("");
      KB.ask(text);
    } else {
      KB.toast(KB.t("empty"));
    }
    field()?.focus();
  };
  const write = (text) => {
    field().value = text;
    field().dispatchEvent(new Event("input", { bubbles: true }));
  };
  // Safari ends a composition before the key that ended it; 229 is that key's code.
  const composing = (event) => event.isComposing || event.keyCode === 229;
  document.addEventListener("keydown", (event) => {
    if (event.target !== field() || event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    event.stopPropagation();
    take();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#kb-send")) take();
  });
  KB.append = (value) => {
    const found = /^<!--(\d+)-->/.exec(value || "");
    if (!found || !busy || Number(found[1]) !== busy.mark) return;
    const asked = busy;
    busy = null;
    const place = pendingOf(asked);
    if (place) {                          // gone when the conversation was cleared meanwhile
      const box = document.createElement("div");
      box.innerHTML = value.slice(found[0].length);
      settle(asked, place, box.firstElementChild);
    }
    pump();
  };
  const settle = (asked, place, turn) => {
    place.replaceWith(turn);
    const answered = turn.dataset.status !== "waiting";
    const history = asked.fresh ? [] : told.history;
    told = { turns: told.turns + 1, history: answered ? [...history, asked.query] : history };
    if (turn.dataset.link) KB.atChat(turn.dataset.link);
    keep();
    if (!waiting.length) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      turn.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
      if (asked.focus) turn.querySelector("h2")?.focus({ preventScroll: true });
    }
    const state = turn.querySelector(".kb-state")?.textContent || turn.querySelector(".kb-message")?.textContent;
    const count = turn.querySelectorAll(".kb-card > .kb-quote, .kb-row > .kb-quote").length;
    KB.announce(KB.t("answer_ready", { status: state || "", count }));
  };
  const lose = (asked) => {
    const turn = pendingOf(asked);
    if (!turn) return;
    lost.push(asked);
    turn.classList.replace("kb-pending", "kb-lost");
    const again = document.createElement("button");
    again.type = "button";
    again.className = "kb-plain";
    again.textContent = KB.t("again");
    again.addEventListener("click", () => {
      turn.remove();
      if (lost.includes(asked)) lost.splice(lost.indexOf(asked), 1);
      KB.ask(asked.query, asked.fresh, { role: asked.role });
    });
    turn.querySelector(".kb-message").textContent = KB.t("lost");
    turn.append(again);
    KB.announce(KB.t("lost"));
  };
  KB.failed = () => {
    const asked = busy;
    busy = null;
    if (asked) lose(asked);
    keep();
    pump();
  };
  // Gradio says nothing to us when the server is gone: while a question is under way we look.
  const BEAT = 3000;
  let missed = 0;
  setInterval(async () => {
    if (!busy) { missed = 0; return; }
    try {
      const reply = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(BEAT - 500) });
      missed = reply.ok ? 0 : missed + 1;
    } catch {
      missed += 1;
    }
    if (missed < 3 || !busy) return;
    const open = [busy, ...waiting.splice(0)];
    busy = null;
    open.forEach(lose);
    keep();
  }, BEAT);
  KB.clearLog = () => {
    const old = { told, turns: [...(log()?.querySelectorAll(".kb-turn:not(.kb-pending)") || [])], address: KB.chatAddress };
    waiting.length = lost.length = 0;
    told = { turns: 0, history: [] };
    if (log()) log().textContent = "";
    hero(true);
    KB.atChat(KB.home);
    keep();
    field()?.focus();
    if (!old.turns.length) return;
    KB.toast(KB.t("cleared"), { text: KB.t("unclear"), run: () => {
      if (log().children.length) return;
      told = old.told;
      log().append(...old.turns);
      hero(false);
      KB.atChat(old.address);
      keep();
    } });
  };

  const restore = () => {
    const old = kept();
    if (!old) return false;
    takeRole(old.role);
    told = old.told;
    if (old.draft && field()) write(old.draft);
    if (old.html) {
      log().innerHTML = old.html;
      hero(false);
      KB.chatAddress = old.address || KB.home;
      log().lastElementChild.scrollIntoView({ block: "start" });
    }
    old.open.forEach((asked) => KB.ask(asked.query, asked.fresh, { role: asked.role }));
    return Boolean(old.html || old.open.length);
  };
  // ``?q=`` asks, after the earlier questions in ``h=``; a reload or a step back shows the conversation as it was instead.
  const begin = () => {
    const given = new URLSearchParams(location.search);
    const came = performance.getEntriesByType("navigation")[0]?.type;
    if ((came === "reload" || came === "back_forward") && restore()) return;
    const query = (given.get("q") || "").trim();
    if (!query || given.get("p")) return;
    takeRole(given.get("role") || "");
    told = { turns: 0, history: given.getAll("h").filter((one) => one.trim()).slice(-KB.REMEMBERED) };
    KB.ask(query, !told.history.length, { role: given.get("role") || "" });
  };
  KB.mountChat = (element, trigger, props, watch) => {
    const first = !send;
    send = trigger;
    watch("value", () => KB.append(props.value));
    if (first) requestAnimationFrame(begin);
    pump();
  };
  KB.actions.ask = (node) => KB.ask(node.dataset.query, node.dataset.fresh === "1", { focus: true });
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => { if (event.target.closest?.("#kb-composer")) keep(); });
  }

  // Opening a passage is a step that the browser's Back undoes, to the card it was opened from.
  let left = null;
  KB.show = (passage, start = -1, end = -1) => {
    send?.("expand", { passage, start: Number(start), end: Number(end) });
    KB.tab("reader");
    KB.arriveAgain?.(passage);
  };
  KB.actions.open = (node, event) => {
    event.preventDefault();
    const { passage, start, end } = node.dataset;
    const address = `${KB.home}?p=${encodeURIComponent(passage)}`;
    const inside = node.closest("#kb-log");
    if (inside) left = node;
    if (node.closest("#kb-reader")) history.replaceState(history.state, "", address);
    else {
      history.replaceState({ ...history.state, tab: KB.tabNow() }, "");
      history.pushState({ opened: inside ? "chat" : "other" }, "", address);
    }
    KB.show(passage, start, end);
  };
  const returned = (tab = "chat") => {
    KB.tab(tab);
    const node = left;
    left = null;
    if (node?.isConnected) requestAnimationFrame(() => {
      node.scrollIntoView({ block: "center" });
      node.focus({ preventScroll: true });
    });
  };
  KB.actions.tab = () => {
    if (history.state?.opened === "chat") return history.back();
    KB.atChat(KB.chatAddress);
    return returned();
  };
  window.addEventListener("popstate", () => {
    const passage = new URLSearchParams(location.search).get("p");
    if (passage) KB.show(passage);
    else returned(history.state?.tab);
  });
})();

// The frame: language, theme, tabs, one listener for every data-kb action.
(() => {
  const KB = window.KB;
  const root = document.documentElement;
  KB.t = (key, values = {}) =>
    Object.entries(values).reduce((text, [k, v]) => text.replaceAll(`{${k}}`, v), KB.words[key] || key);
  KB.actions = {};
  KB.REMEMBERED = 8;                     // earlier questions that an answer may lean on

  // Gradio words its own parts, and sets <html lang>, by the browser's language; ours is fixed.
  const own = KB.lang === "en" ? "en" : "zh-CN";
  Object.defineProperty(navigator, "language", { get: () => own, configurable: true });
  Object.defineProperty(navigator, "languages", { get: () => [own], configurable: true });
  root.lang = own;
  new MutationObserver(() => { if (root.lang !== own) root.lang = own; })
    .observe(root, { attributes: true, attributeFilter: ["lang"] });

  const saved = () => { try { return localStorage.getItem("kb-theme"); } catch { return null; } };
  const paint = () => {
    const theme = saved();
    if (theme && document.body) document.body.classList.toggle("dark", theme === "dark");
  };
  // The button names what it switches to.
  const nameTheme = () => {
    const text = KB.t(document.body.classList.contains("dark") ? "light" : "dark");
    document.querySelectorAll("[data-kb=theme]").forEach((button) => {
      if (button.textContent !== text) button.textContent = text;
    });
  };
  KB.actions.theme = () => {
    const dark = !document.body.classList.contains("dark");
    try { localStorage.setItem("kb-theme", dark ? "dark" : "light"); } catch { /* private window */ }
    document.body.classList.toggle("dark", dark);
    nameTheme();
  };

  const TABS = ["chat", "reader", "terms", "workshop", "evaluation"];
  const tabButtons = () => TABS.map((name) => document.getElementById(`kb-tab-${name}-button`));
  KB.tab = (name) => tabButtons()[TABS.indexOf(name)]?.click();
  KB.tabNow = () => TABS[tabButtons().findIndex((b) => b?.getAttribute("aria-selected") === "true")] || "chat";
  KB.actions.skip = (node, event) => {
    event.preventDefault();
    KB.tab("chat");
    setTimeout(() => document.querySelector("#kb-question textarea")?.focus(), 50);
  };
  KB.actions.jump = (node, event) => {
    event.preventDefault();
    const target = document.querySelector(node.getAttribute("href"));
    target?.scrollIntoView({ block: "start" });
    target?.querySelector("h2")?.focus({ preventScroll: true });
  };
  // The address bar names what is shown, so that it can be shared and reloaded.
  KB.chatAddress = KB.home;
  KB.atChat = (address) => {
    KB.chatAddress = address;
    history.replaceState(null, "", address);
  };
  KB.actions.print = () => window.print();
  // The other language opens the last answer, with the questions before it.
  KB.actions.language = (node, event) => {
    const turns = [...document.querySelectorAll("#kb-log .kb-turn[data-asked]")];
    const asked = turns.filter((turn) => turn.dataset.link).pop() || turns.pop();
    if (!asked) return;
    event.preventDefault();
    const { query, history, role } = JSON.parse(asked.dataset.asked);
    const given = [["q", query], ...history.slice(-KB.REMEMBERED).map((one) => ["h", one])];
    if (role) given.push(["role", role]);
    location.href = `${node.getAttribute("href")}?${new URLSearchParams(given)}`;
  };

  KB.get = async (path, options = {}) => {
    const reply = await fetch(path, options);
    if (!reply.ok) throw new Error(String(reply.status));
    return reply;
  };
  KB.post = (path, body) => KB.get(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  // A reply that says no has its status for a message; no reply at all is told as such.
  KB.trouble = (error) => KB.t(/^\d+$/.test(error.message) ? "failed" : "unreached");
  KB.overcome = (node) => {
    if ([KB.t("failed"), KB.t("unreached")].includes(node?.textContent)) node.textContent = "";
  };
  // A button does nothing more while what it began is under way.
  KB.once = (act) => async (node, event) => {
    if (node.getAttribute("aria-busy")) return;
    node.setAttribute("aria-busy", "true");
    try { await act(node, event); } finally { node.removeAttribute("aria-busy"); }
  };
  KB.say = (node, text, kind = "") => {
    if (!node) return;
    node.textContent = text;
    node.dataset.kind = kind;
  };
  // Long answers are not read out as they come; a short sentence says what came.
  KB.announce = (text) => {
    const box = document.getElementById("kb-announce") || document.createElement("div");
    box.id = "kb-announce";
    box.className = "kb-visually-hidden";
    box.setAttribute("role", "status");
    (document.querySelector("main") || document.body).append(box);
    box.textContent = text;
  };
  KB.toast = (text, act = null) => {
    const box = document.getElementById("kb-toast") || document.createElement("div");
    box.id = "kb-toast";
    box.setAttribute("role", "status");
    (document.querySelector("main") || document.body).append(box);
    box.textContent = text;
    if (act) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = act.text;
      button.addEventListener("click", () => { box.hidden = true; act.run(); });
      box.append(" ", button);
    }
    box.hidden = false;
    clearTimeout(KB.toasting);
    KB.toasting = setTimeout(() => { box.hidden = true; }, 6000);
  };
  KB.hush = () => {
    const box = document.getElementById("kb-toast");
    if (box) box.hidden = true;
  };
  KB.copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");   // plain http on a local network
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copy");
    return undefined;
  };

  document.addEventListener("click", (event) => {
    const node = event.target.closest("[data-kb]");
    if (node && KB.actions[node.dataset.kb]) {
      if (node.tagName === "A" && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      KB.actions[node.dataset.kb](node, event);
    }
    document.querySelectorAll("details.kb-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("click", (event) => {
    const chosen = event.isTrusted && event.target.closest?.("#kb-tabs > .tab-wrapper [role=tab]");
    if (!chosen) return;
    KB.hush();
    if (location.search.includes("p=")) KB.atChat(KB.chatAddress);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.kb-menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
  document.addEventListener("DOMContentLoaded", () => {
    paint();
    let due = 0;
    new MutationObserver(() => { cancelAnimationFrame(due); due = requestAnimationFrame(KB.label); })
      .observe(document.body, { subtree: true, childList: true });
  });
  // What takes the focus must not stand behind the composer, which sticks to the lower edge.
  const clear = new ResizeObserver(([seen]) => {
    root.style.scrollPaddingBottom = `${seen.target.offsetHeight + 12}px`;
  });
  KB.arrived = () => {
    paint();
    const composer = document.getElementById("kb-composer");
    if (composer) clear.observe(composer);
  };
  // What Gradio says by itself, in English only.
  const SAID = {
    Error: "gradio_error", Warning: "gradio_warning", Info: "gradio_info", Success: "gradio_success",
    "Connection to the server was lost. Attempting reconnection...": "gradio_waiting",
  };
  const translate = () => document.querySelectorAll(".toast-title, [data-testid=toast-text]").forEach((node) => {
    const text = node.firstChild;
    const key = text?.nodeType === Node.TEXT_NODE && SAID[text.data.trim()];
    if (key && text.data !== KB.t(key)) text.data = KB.t(key);
  });
  // Names that Gradio leaves empty or in English.
  KB.label = () => {
    KB.offer?.();
    nameTheme();
    translate();
    const names = { question: "kb-question", find: "kb-find", compare: "kb-compare" };
    for (const [key, id] of Object.entries(names)) {
      document.querySelectorAll(`#${id} textarea, #${id} input`)
        .forEach((field) => field.setAttribute("aria-label", KB.t(`label_${key}`)));
    }
    document.querySelectorAll("[data-testid=reset-button][aria-label^=Reset]")
      .forEach((button) => button.setAttribute("aria-label", KB.t("label_reset")));
    for (const [key, english] of [["number", "number input for "], ["range", "range slider for "]]) {
      document.querySelectorAll(`[aria-label^="${english}"]`).forEach((field) => {
        const label = field.getAttribute("aria-label").slice(english.length);
        const own = KB.t(`label_${key}`, { label });
        if (own !== field.getAttribute("aria-label")) field.setAttribute("aria-label", own);
      });
    }
  };
})();

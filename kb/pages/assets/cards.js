// Buttons of the cards, and explained terms.
(() => {
  const KB = window.KB;
  const result = (node) => node.closest(".kb-card, .kb-actions, .kb-feedback")?.querySelector(".kb-result");
  KB.actions.copy = async (node) => {
    const text = node.dataset.copy ?? new URL(node.dataset.address, location.href).href;
    const menu = node.closest("details");
    try {
      await KB.copy(text);
      KB.say(result(node), KB.t("copied"), "good");
    } catch {
      KB.say(result(node), KB.t("copy_failed"), "bad");
    }
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  };
  KB.actions.verify = async (node) => {
    const card = node.closest(".kb-card");
    const quotes = [...card.querySelectorAll(":scope > .kb-quote, :scope > .kb-lead > .kb-quote, .kb-row > .kb-quote")];
    KB.say(result(node), KB.t("verifying"));
    try {
      const found = await Promise.all(quotes.map(async (quote) => {
        const { document: document_id, start, end } = quote.dataset;
        const body = { document_id, start: Number(start), end: Number(end), text: quote.textContent };
        return (await KB.post("/page/verify", body)).json();
      }));
      const whole = found[found.length - 1];
      const same = found.every((one) => one.same);
      const list = card.matches(".kb-list");
      const place = KB.t("source_place", { file: whole.file, start: whole.start, end: whole.end });
      const good = list
        ? `${KB.t("same_all", { n: found.length })} · ${whole.file}`
        : `${KB.t("same")} · ${place} · SHA-256 ${whole.sha256.slice(0, 12)}`;
      KB.say(result(node), same ? good : KB.t("differs"), same ? "good" : "bad");
      result(node).title = same && !list ? `SHA-256 ${whole.sha256}` : "";
    } catch {
      KB.say(result(node), KB.t("verify_failed"), "bad");
    }
  };
  KB.actions.section = KB.once(async (node) => {
    const card = node.closest(".kb-card");
    const shown = card.querySelector(".kb-section");
    if (shown) {
      shown.hidden = !shown.hidden;
    } else {
      try {
        const reply = await KB.get(`/page/section?p=${encodeURIComponent(node.dataset.passage)}`);
        card.querySelector(".kb-actions").insertAdjacentHTML("beforebegin", await reply.text());
        KB.overcome(result(node));
      } catch (error) {
        return KB.say(result(node), KB.trouble(error), "bad");
      }
    }
    const open = !card.querySelector(".kb-section")?.hidden;
    node.setAttribute("aria-expanded", String(open));
    node.textContent = KB.t(open ? "section_hide" : "section_show");
    return undefined;
  });

  KB.actions.feedback = (node) => {
    const form = node.closest("form");
    form.querySelectorAll("[data-verdict]").forEach((b) => b.setAttribute("aria-pressed", String(b === node)));
    const comment = form.querySelector(".kb-comment");
    comment.hidden = false;
    comment.querySelector("input").focus();
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-kb-form=feedback]");
    if (!form) return;
    event.preventDefault();
    const verdict = form.querySelector("[aria-pressed=true]")?.dataset.verdict;
    if (!verdict) return;
    const asked = JSON.parse(form.closest(".kb-turn").dataset.asked);
    const comment = form.querySelector("input").value;
    try {
      await KB.post("/page/feedback", { ...asked, verdict, comment });
      form.querySelector(".kb-comment").hidden = true;
      KB.say(form.querySelector(".kb-result"), KB.t("thanks"), "good");
    } catch (error) {
      KB.say(form.querySelector(".kb-result"), KB.trouble(error), "bad");
    }
  });

  // Explained terms: one tip for the page, outside the quotes, so that no quote changes.
  let tip = null;
  let timer = 0;
  const hide = () => { if (tip) tip.hidden = true; };
  const explain = (node) => {
    const source = document.getElementById(`kb-term-${node.dataset.term}`);
    if (!source) return;
    if (!tip) {
      tip = document.createElement("div");
      tip.id = "kb-tip";
      tip.setAttribute("role", "tooltip");
      tip.addEventListener("mouseenter", () => clearTimeout(timer));
      tip.addEventListener("mouseleave", hide);
    }
    (node.closest("dialog") || document.querySelector("main") || document.body).append(tip);
    clearTimeout(timer);
    tip.textContent = "";
    const label = document.createElement("strong");
    label.textContent = KB.t("definition");
    const text = document.createElement("p");
    text.lang = "zh-CN";
    text.textContent = source.textContent;
    tip.append(label, text);
    tip.hidden = false;
    const box = node.getBoundingClientRect();
    const width = Math.min(380, innerWidth - 24);
    tip.style.width = `${width}px`;
    tip.style.left = `${Math.max(12, Math.min(box.left, innerWidth - width - 12))}px`;
    const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.top = `${below ? box.bottom + 6 : Math.max(8, box.top - tip.offsetHeight - 6)}px`;
  };
  const term = (event) => event.target.closest?.(".kb-term");
  document.addEventListener("mouseover", (event) => { if (term(event)) explain(term(event)); });
  document.addEventListener("mouseout", (event) => { if (term(event)) timer = setTimeout(hide, 250); });
  document.addEventListener("focusin", (event) => (term(event) ? explain(term(event)) : hide()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (term(event) && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      explain(term(event));
    }
  });
  document.addEventListener("scroll", hide, true);
})();

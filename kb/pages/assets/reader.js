// The reader: scroll to the cited passage, step through passages, mark found words.
(() => {
  const KB = window.KB;
  const box = () => document.getElementById("kb-document");
  const passages = () => [...(box()?.querySelectorAll(".kb-passage") || [])];

  const go = (node, focus = true, step = false) => {
    if (!node) return;
    if (step) {                          // the yellow goes along
      box().querySelectorAll(".kb-cited").forEach((n) => n.classList.remove("kb-cited"));
      node.classList.add("kb-cited");
    }
    here(node.id.slice(2));
    box().querySelectorAll(".kb-current").forEach((n) => n.classList.remove("kb-current"));
    node.classList.add("kb-current");
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    node.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    if (focus) node.focus({ preventScroll: true });
  };
  const here = (passage) => {
    const section = passage.replace(/-p[^-:]*$/, "");
    document.querySelectorAll(".kb-outline a").forEach((link) => {
      if (link.dataset.passage === section) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  };
  const arrive = () => {
    const target = box()?.querySelector(".kb-document")?.dataset.target;
    const node = target && document.getElementById(`r-${target}`);
    if (!node) return;
    let tries = 0;                       // the tab may still be opening
    const wait = () => {
      if (node.offsetParent !== null) go(node);
      else if ((tries += 1) < 40) setTimeout(wait, 50);
    };
    wait();
    mark();
  };
  KB.arriveAgain = (passage) => {
    if (box()?.querySelector(".kb-document")?.dataset.target === passage) requestAnimationFrame(arrive);
  };
  KB.mountReader = (element, trigger, props, watch) => {
    watch("value", () => requestAnimationFrame(arrive));
    requestAnimationFrame(arrive);
    if (innerWidth <= 900) document.querySelectorAll(".kb-outline details").forEach((part) => { part.open = false; });
  };
  KB.actions.goto = (node, event) => {
    event.preventDefault();
    const address = `${KB.home}?p=${encodeURIComponent(node.dataset.passage)}`;
    history.replaceState(history.state, "", address);
    go(document.getElementById(`r-${node.dataset.passage}`), false, true);
    KB.copy(new URL(address, location.href).href)
      .then(() => KB.toast(KB.t("copied_link")))
      .catch(() => {});
  };
  KB.actions.step = (node) => {
    const all = passages();
    const now = all.findIndex((p) => p.classList.contains("kb-current") || p.classList.contains("kb-cited"));
    const current = all.findIndex((p) => p.classList.contains("kb-current"));
    const next = all[Math.max(0, Math.min(all.length - 1, (current >= 0 ? current : now) + Number(node.dataset.step)))];
    if (!next) return;
    history.replaceState(history.state, "", `${KB.home}?p=${encodeURIComponent(next.id.slice(2))}`);
    go(next, false, true);
  };

  // Found words are painted by the browser (CSS Highlight API), so the text itself stays as it is.
  const mark = () => {
    const word = document.querySelector("#kb-found [data-word]")?.dataset.word.toLowerCase();
    if (!window.CSS?.highlights) return;
    CSS.highlights.delete("kb-found");
    if (!word || !box()) return;
    const ranges = [];
    box().querySelectorAll(".kb-quote").forEach((quote) => {
      const walker = document.createTreeWalker(quote, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.data.toLowerCase();
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + word.length);
          ranges.push(range);
        }
      }
    });
    if (ranges.length) CSS.highlights.set("kb-found", new Highlight(...ranges));
  };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(mark).observe(document.body, {
      subtree: true, attributes: true, attributeFilter: ["data-word"],
    });
  });
})();

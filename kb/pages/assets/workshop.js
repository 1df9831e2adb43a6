// The workshop: projector, downloads, filters; and why a passage was found.
(() => {
  const KB = window.KB;
  const note = (node) => node.closest(".kb-tools")?.querySelector(".kb-result");
  const lang = () => (KB.lang === "en" ? "en" : "zh");
  const scope = (node) => document.querySelector(node.dataset.scope);

  const download = async (node, path, body) => {
    try {
      const reply = await KB.post(path, body);
      const name = /filename\*=UTF-8''([^;]+)/.exec(reply.headers.get("Content-Disposition") || "");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await reply.blob());
      link.download = name ? decodeURIComponent(name[1]) : "zhinan";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      KB.say(note(node), "✔ " + link.download, "good");
    } catch (error) {
      KB.say(note(node), KB.trouble(error), "bad");
    }
  };
  KB.actions.handout = (node) => {
    const asked = [...(scope(node)?.querySelectorAll("[data-asked]") || [])].map((t) => JSON.parse(t.dataset.asked));
    if (!asked.length) return KB.say(note(node), KB.t("nothing"), "bad");
    return download(node, "/page/handout", { format: node.dataset.format, lang: lang(), asked });
  };
  KB.actions.quiz = (node) => {
    const quiz = scope(node)?.querySelector("[data-quiz]");
    if (!quiz) return KB.say(note(node), KB.t("nothing"), "bad");
    return download(node, "/page/quiz", { format: node.dataset.format, ...JSON.parse(quiz.dataset.quiz) });
  };
  KB.actions.print = (node) => {
    document.body.dataset.print = node.dataset.format || "all";
    return window.print();
  };
  // Buttons that act on a part of the page are offered once there is something in it.
  KB.offer = () => {
    document.querySelectorAll(".kb-tools[data-for]").forEach((tools) => {
      const full = Boolean(document.querySelector(tools.dataset.for)?.querySelector(".kb-turn:not(.kb-pending), [data-quiz], .kb-qr"));
      if (tools.hidden === !full) return;
      tools.hidden = !full;
      KB.say(tools.querySelector(".kb-result"), "");
    });
  };
  // An answer key is folded on screen and printed on a page of its own.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details.kb-key:not([open])").forEach((key) => {
      key.open = true;
      key.dataset.folded = "1";
    });
  });
  window.addEventListener("afterprint", () => {
    delete document.body.dataset.print;
    document.querySelectorAll("details.kb-key[data-folded]").forEach((key) => {
      key.open = false;
      delete key.dataset.folded;
    });
  });
  KB.actions.why = KB.once(async (node) => {
    const card = node.closest(".kb-card");
    const shown = card.querySelector(".kb-why, .kb-why-none");
    if (shown) {
      shown.hidden = !shown.hidden;
      node.setAttribute("aria-expanded", String(!shown.hidden));
      return;
    }
    const asked = JSON.parse(node.closest(".kb-turn").dataset.asked);
    try {
      const body = { ...asked, passage_id: node.dataset.passage, lang: lang() };
      const reply = await KB.post("/page/why", body);
      card.querySelector(".kb-actions").insertAdjacentHTML("afterend", await reply.text());
      node.setAttribute("aria-expanded", "true");
      KB.overcome(card.querySelector(".kb-result"));
    } catch (error) {
      KB.say(card.querySelector(".kb-result"), KB.trouble(error), "bad");
    }
  });

  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-kb-filter]");
    if (!field) return;
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    document.querySelectorAll(field.dataset.kbFilter).forEach((card) => {
      card.hidden = Boolean(wanted) && !card.dataset.names.includes(wanted);
      shown += card.hidden ? 0 : 1;
    });
    const told = shown ? KB.t("filtered", { n: shown }) : KB.t("none_left");
    KB.say(field.parentElement.querySelector(".kb-result"), wanted ? told : "");
  });

  // The projector: one answer a screen, for keyboard and clicker (PageUp, PageDown).
  const bare = (node) => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll(".kb-actions, .kb-feedback, .kb-suggest, .kb-related-more, .kb-lead, .kb-confidence, .kb-open, .kb-section, .kb-why, .kb-plain, .kb-understood button")
      .forEach((part) => part.remove());
    [copy, ...copy.querySelectorAll("[id]")].forEach((part) => part.removeAttribute("id"));
    copy.querySelectorAll("[tabindex]").forEach((part) => part.removeAttribute("tabindex"));
    return copy;
  };
  // A refusal has a screen of its own, before what is merely related.
  const plain = (answer) => {
    if (!answer) return [];
    const copy = answer.cloneNode(true);
    copy.querySelectorAll(".kb-card, .kb-columns").forEach((part) => part.remove());
    return [copy];
  };
  const turnSlides = (turn) => {
    const question = bare(turn.querySelector(".kb-question"));
    const rank = (card) => Number(card.querySelector(".kb-rank")?.textContent || 0);
    const cards = [...turn.querySelectorAll(".kb-answer > .kb-card, .kb-column > .kb-card")].sort((a, b) => rank(a) - rank(b));
    const bodies = turn.dataset.status === "answered" && cards.length ? cards : [...plain(turn.querySelector(".kb-answer")), ...cards];
    return bodies.map((body, n) => {
      const slide = document.createElement("section");
      const head = question.cloneNode(true);
      if (bodies.length > 1) head.append(` (${n + 1}/${bodies.length})`);
      slide.append(head, bare(body));
      return slide;
    });
  };
  const slidesOf = (box) => {
    const turns = [...box.querySelectorAll(".kb-turn:not(.kb-pending)")].flatMap(turnSlides);
    if (turns.length) return turns;
    return [...box.querySelectorAll(".kb-quiz-item, .kb-qr")].map((item) => {
      const slide = document.createElement("section");
      slide.append(bare(item));
      return slide;
    });
  };
  KB.actions.project = (node) => {
    const slides = scope(node) ? slidesOf(scope(node)) : [];
    if (!slides.length) return KB.say(note(node), KB.t("nothing"), "bad");
    return show(slides, node);
  };
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "kb-plain";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  };
  const show = (slides, origin) => {
    const dialog = document.createElement("dialog");
    dialog.className = "kb-projector";
    dialog.setAttribute("aria-label", KB.t("projector"));
    const stage = document.createElement("div");
    stage.className = "kb-stage";
    stage.tabIndex = 0;
    const count = document.createElement("span");
    count.setAttribute("role", "status");
    let at = 0;
    const fit = () => {
      for (let size = 2.6; size >= 1.1; size -= 0.1) {
        stage.style.fontSize = `${size}rem`;
        if (stage.scrollHeight <= stage.clientHeight) break;
      }
    };
    const turn = (step) => {
      at = Math.max(0, Math.min(slides.length - 1, at + step));
      stage.replaceChildren(slides[at]);
      stage.scrollTop = 0;
      KB.say(count, KB.t("slide", { n: at + 1, total: slides.length }));
      fit();
    };
    // What does not fit is read to its end before the next one comes.
    const scrolled = (key) => {
      const way = { PageDown: 1, " ": 1, ArrowDown: 1, PageUp: -1, ArrowUp: -1 }[key];
      const left = way > 0 ? stage.scrollHeight - stage.clientHeight - stage.scrollTop : stage.scrollTop;
      if (!way || left < 2) return false;
      stage.scrollTop += way * 0.85 * stage.clientHeight;
      return true;
    };
    const bar = document.createElement("footer");
    bar.append(button("‹ " + KB.t("previous"), () => turn(-1)), count, button(KB.t("next") + " ›", () => turn(1)),
      button(KB.t("close"), () => dialog.close()));
    dialog.append(stage, bar);
    dialog.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -slides.length, End: slides.length }[event.key];
      if (!step || (event.key === " " && event.target.tagName === "BUTTON")) return;
      event.preventDefault();
      if (!scrolled(event.key)) turn(step);
    });
    dialog.addEventListener("close", () => { dialog.remove(); window.removeEventListener("resize", fit); origin.focus(); });
    window.addEventListener("resize", fit);
    (document.querySelector(".gradio-container") || document.body).append(dialog);
    dialog.showModal();
    stage.focus();
    turn(0);
  };
})();

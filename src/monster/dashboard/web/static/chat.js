// A live conversation. The server renders: text comes as it is written, each finished block again as HTML,
// so Markdown is parsed and cleaned in one place and no parser is sent to the browser.
import { follow, Refused } from "./sse.js";
import { Speaker } from "./speak.js";

const NEAR = 64; // pixels from the end that still count as "at the end"
const ENDS = new Set(["run.completed", "run.failed", "run.cancelled", "run.waiting"]);

for (const talk of document.querySelectorAll("[data-chat]")) start(talk);

function start(talk) {
  const area = talk.parentElement;
  const form = area.querySelector("[data-composer]");
  const input = form.querySelector("textarea");
  const send = form.querySelector("[data-send]");
  const stop = form.querySelector("[data-stop]");
  const latest = area.querySelector("[data-latest]");
  const speaker = new Speaker(area.querySelector("[data-speak]"));
  let running;

  // Stick to the end only while the reader is there.
  let stuck = true;
  const toEnd = () => (talk.scrollTop = talk.scrollHeight);
  const settle = () => { if (stuck) toEnd(); };
  talk.addEventListener("scroll", () => {
    stuck = talk.scrollHeight - talk.scrollTop - talk.clientHeight < NEAR;
    if (latest) latest.hidden = stuck;
  }, { passive: true });
  latest?.addEventListener("click", () => { stuck = true; toEnd(); input.focus(); });
  toEnd();
  talk.dataset.ready = "";

  const grow = () => { input.rows = 1; input.rows = Math.min(8, Math.max(1, Math.floor((input.scrollHeight - 16) / 20))); };
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  stop.addEventListener("click", () => running?.abort());
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!running) ask(new FormData(form)); });

  async function ask(body) {
    running = new AbortController();
    busy(true);
    const { signal } = running;
    const connect = (id) => id
      ? fetch(talk.dataset.events, { headers: { "Last-Event-ID": id }, signal })
      : fetch(form.action, { method: "POST", body, headers: { Accept: "text/event-stream" }, signal });
    input.value = "";
    grow();
    stuck = true;
    const view = new Turn(talk, speaker);
    try {
      for await (const event of follow({ connect, last: (e) => ENDS.has(e.event), signal, onState: view.state })) {
        view.take(event.event, JSON.parse(event.data));
        settle();
      }
    } catch (error) {
      if (signal.aborted) view.close("Stopped. What was written is kept.");
      else view.close(error instanceof Refused ? (await error.response.json()).error.message : "The answer could not be read.");
    }
    running = undefined;
    busy(false);
  }

  function busy(on) {
    send.hidden = on;
    stop.hidden = !on;
    talk.setAttribute("aria-busy", on);
    (on ? stop : input).focus();
  }
}

class Turn {
  constructor(talk, speaker) {
    Object.assign(this, { talk, speaker, body: talk, open: undefined });
  }

  state = (name) => this.talk.classList.toggle("is-lost", name === "lost");

  take(type, data) {
    if (type === "message.delta") this.write(data.text);
    else if (data.html) this.place(data.html, type);
    if (type === "run.waiting") this.speaker.end("It waits for your approval.");
    else if (ENDS.has(type)) this.speaker.end(type === "run.completed" ? "Answer complete." : "The answer ended early.");
  }

  // Plain text of the block being written.
  write(text) {
    if (!this.open) {
      this.open = document.createElement("p");
      this.open.className = "writing";
      this.body.append(this.open);
    }
    this.open.append(text);
    this.speaker.add(text);
  }

  // A rendered piece: the finished block replaces its plain text; a whole turn becomes the place for what follows;
  // anything with an id that is already shown (a tool card that got its result) replaces it.
  place(html, type) {
    const piece = document.createRange().createContextualFragment(html);
    const first = piece.firstElementChild;
    const known = first.id && document.getElementById(first.id);
    if (this.open && type === "message.block") this.open.replaceWith(piece);
    else if (known) known.replaceWith(piece);
    else (first.matches(".turn") ? this.talk : this.body).append(piece);
    if (type === "message.block") this.open = undefined;
    if (first.matches(".turn-agent")) this.body = first.querySelector(".turn-body");
    if (type === "message.block") this.speaker.add("\n");
    htmx.process(first);
  }

  close(words) {
    const note = document.createElement("p");
    note.className = "waiting";
    note.textContent = words;
    this.body.append(note);
    this.open?.classList.remove("writing");
    this.speaker.end(words);
  }
}

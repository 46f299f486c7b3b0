// A live conversation. The server renders: text comes as it is written, each finished block again as HTML,
// so Markdown is parsed and cleaned in one place and no parser is sent to the browser.
import { Files, named } from "./attach.js";
import { Final, follow, Refused } from "./sse.js";
import { Speaker } from "./speak.js";

const NEAR = 64; // pixels from the end that still count as "at the end"
const ENDS = new Set(["run.completed", "run.failed", "run.cancelled", "run.waiting"]);
const csrf = () => ({ "X-CSRF-Token": JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRF-Token"] });

function start(talk) {
  const area = talk.parentElement;
  const form = area.querySelector("[data-composer]");
  const latest = area.querySelector("[data-latest]");
  const speaker = new Speaker(area.querySelector("[data-speak]"));

  // Stick to the end only while the reader is there.
  let stuck = true;
  const toEnd = () => (talk.scrollTop = talk.scrollHeight);
  talk.addEventListener("scroll", () => {
    stuck = talk.scrollHeight - talk.scrollTop - talk.clientHeight < NEAR;
    if (latest) latest.hidden = stuck;
  }, { passive: true });
  latest?.addEventListener("click", () => { stuck = true; toEnd(); });
  toEnd();
  talk.addEventListener("load", () => stuck && toEnd(), { capture: true }); // of a picture
  if (!form) return void (talk.dataset.ready = "");

  const input = form.querySelector("textarea");
  const send = form.querySelector("[data-send]");
  const stop = form.querySelector("[data-stop]");
  const heard = new Map(); // by run: {view, abort} of what is being heard
  const last = new Map(); // by run: the id of the last event
  const files = new Files(form, area, csrf, begun);
  talk.dataset.ready = "";

  const grow = () => { input.rows = 1; input.rows = Math.min(8, Math.max(1, Math.floor((input.scrollHeight - 16) / 20))); };
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (heard.size || files.going || !(input.value.trim() || files.names.length)) return;
    if (talk.querySelector("[data-asks]")) remind();
    else ask();
  });
  stop.addEventListener("click", () => (files.going ? files.stop() : halt()));
  talk.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-answer]")) return;
    event.preventDefault();
    answer(event.target, new FormData(event.target, event.submitter));
  });
  if (talk.dataset.run) hear(talk.dataset.run);

  // Files go first; if one cannot, the message stays where it is.
  async function ask() {
    busy(true);
    const sent = await files.send(input.value);
    busy(false);
    if (!sent) return;
    const body = new FormData(form);
    body.delete("files");
    for (const name of files.names) body.append("attached", name);
    files.clear();
    input.value = "";
    grow();
    stuck = true;
    await hear("", body);
  }

  // Follows a run that is known, or starts one by posting the form. A question is never posted twice.
  async function hear(run, body, from = "") {
    const abort = new AbortController();
    const { signal } = abort;
    const view = new Turn(talk, speaker, run, begun);
    const connect = (id) => {
      if (view.run) return fetch(`/chat/runs/${view.run}/events`, { headers: id ? { "Last-Event-ID": id } : {}, signal });
      if (!body) throw new Final("The connection broke before the answer began. Load the page again to see where it stands.");
      const question = { method: "POST", body, headers: { Accept: "text/event-stream", ...csrf() }, signal };
      body = undefined;
      return fetch(form.action, question);
    };
    const message = body?.get("message");
    const brought = body?.has("attached");
    const key = Symbol();
    heard.set(key, { view, abort });
    busy(true);
    try {
      for await (const event of follow({ connect, from, last: (e) => ENDS.has(e.event), signal, onState: view.state })) {
        view.take(event.event, JSON.parse(event.data));
        last.set(view.run, event.id);
        if (stuck) toEnd();
      }
    } catch (error) {
      if (message && !view.run) input.value ||= message;
      if (!view.run) files.back();
      view.close(await words(error));
    }
    heard.delete(key);
    busy(heard.size > 0);
    if (view.made || brought) around(form.elements.conversation_id.value);
    if (stuck) toEnd();
  }

  // What the person says about a call that waits. If the run goes on, its stream does; else the turn comes as it stands.
  async function answer(asked, body) {
    const run = asked.closest("[data-asks]").dataset.asks;
    const wrong = asked.querySelector("[role=alert]");
    const buttons = asked.querySelectorAll("button");
    buttons.forEach((button) => (button.disabled = true));
    const headers = { Accept: "application/json", ...csrf() };
    const response = await fetch(asked.action, { method: "POST", body, headers }).catch(() => undefined);
    if (response?.ok) {
      const html = response.status === 200 ? (await response.json()).html : "";
      talk.focus({ preventScroll: true });
      if (html) new Turn(talk, speaker, run, begun).place(html);
      else hear(run, undefined, last.get(run));
      return;
    }
    const sentence = response ? await words(new Refused(response)) : "It could not be sent. Try again.";
    if (response?.status === 409) {
      speaker.say(sentence); // somebody was faster: see where it stands
      return hear(run);
    }
    buttons.forEach((button) => (button.disabled = false));
    wrong.hidden = false;
    wrong.textContent = sentence;
  }

  // One thing after the other: what is asked now would wait behind what waits already.
  function remind() {
    const asked = talk.querySelector("[data-asks]");
    asked.scrollIntoView({ block: "nearest" });
    asked.querySelector("[name=decision]")?.focus();
    speaker.say("Answer this first: the agent waits for you.");
  }

  // The first answer of a new chat: from now on it has an address, and a place in the list.
  function begun(conversation) {
    const known = form.elements.conversation_id;
    if (known.value) return;
    known.value = conversation;
    history.replaceState(null, "", `/conversations/${conversation}`);
    around(conversation);
  }

  // The list of chats, and the head of this one.
  function around(conversation) {
    htmx.ajax("GET", `/chat/threads?current=${conversation}`, { target: "#threads", swap: "outerMorph" });
  }

  // The run ends by itself when it is cancelled, and says so in its stream.
  async function halt() {
    const { view, abort } = [...heard.values()].at(-1);
    if (!view.run) return abort.abort();
    stop.disabled = true;
    const answer = await fetch(`/chat/runs/${view.run}/cancel`, { method: "POST", headers: csrf() }).catch(() => undefined);
    stop.disabled = false;
    if (!answer?.ok) view.close("It could not be stopped. Try again.");
  }

  function busy(on) {
    const here = form.contains(document.activeElement);
    send.hidden = on;
    stop.hidden = !on;
    talk.setAttribute("aria-busy", on);
    if (here) (on ? stop : input).focus();
  }
}

async function words(error) {
  if (error instanceof Final) return error.message;
  if (error.name === "AbortError") return "Stopped before the answer began.";
  if (!(error instanceof Refused)) return "The answer could not be read. Load the page again.";
  const { message } = (await error.response.json()).error;
  return `${message[0].toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
}

class Turn {
  constructor(talk, speaker, run, begun) {
    Object.assign(this, { talk, speaker, run, begun, body: talk, open: undefined, made: false });
  }

  state = (name) => this.talk.classList.toggle("is-lost", name === "lost");

  take(type, data) {
    if (data.run) this.started(data);
    if (data.reset) this.speaker.drop();
    if (data.html) this.place(data.html);
    if (type === "message.delta") {
      this.write(data.html ? data.rest : data.text);
      this.speaker.add(data.text);
    }
    if (type === "message.completed") this.speaker.add("\n");
    if (ENDS.has(type)) this.speaker.end(data.note || "Answer complete.");
  }

  started({ run, conversation }) {
    this.talk.querySelector("[data-welcome]")?.remove();
    this.run = run;
    this.begun(conversation);
  }

  // Plain text of the block being written.
  write(text) {
    if (!this.open && text.trim()) {
      this.open = document.createElement("p");
      this.open.className = "writing as-written";
      this.body.append(this.open);
    }
    this.open?.append(text);
  }

  // Rendered pieces take the place of the plain text. A turn becomes the place for what follows; what has an id
  // that is already shown (a tool card that got its result) replaces that.
  place(html) {
    this.open?.remove();
    this.open = undefined;
    for (const piece of [...document.createRange().createContextualFragment(html).children]) {
      const known = piece.id && document.getElementById(piece.id);
      if (known?.open) piece.open = true;
      if (known && piece.matches(".files") && !this.tell(piece, known)) continue;
      if (known) known.replaceWith(piece);
      else (piece.matches(".turn") ? this.talk : this.body).append(piece);
      if (piece.matches(".turn-agent")) this.body = piece.querySelector(".turn-body");
      htmx.process(piece);
    }
  }

  // Files that tools made: false if the page shows them already.
  tell(piece, known) {
    const fresh = named(piece).filter((name) => !named(known).includes(name));
    if (fresh.length) this.speaker.say(`Made: ${fresh.join(", ")}.`);
    this.made ||= fresh.length > 0;
    return !known.isEqualNode(piece);
  }

  close(sentence) {
    const note = document.createElement("p");
    note.className = "waiting";
    note.textContent = sentence;
    this.body.append(note);
    this.open?.classList.remove("writing");
    this.state("live");
    this.speaker.end(sentence);
  }
}

for (const talk of document.querySelectorAll("[data-chat]")) start(talk);

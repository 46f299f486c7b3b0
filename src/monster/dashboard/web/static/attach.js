// Files that go with a message: chosen, dropped or pasted; they go up when the message is sent.

const NAME = /^[^\x00-\x1f\x7f/\\:*?"<>|.][^\x00-\x1f\x7f/\\:*?"<>|]{0,199}$/;
const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const carries = (event) => event.dataTransfer?.types.includes("Files");

// The files that a list of chips shows.
export const named = (chips) => [...chips.querySelectorAll(".file-name")].map((name) => name.textContent);

export class Files {
  constructor(form, area, csrf, begun) {
    Object.assign(this, { form, csrf, begun, waiting: [], before: [], request: undefined, going: false });
    this.list = form.querySelector("[data-files]");
    this.template = form.querySelector("[data-file]");
    this.wrong = form.querySelector("[data-wrong]");
    this.said = form.querySelector("[data-said]");
    this.message = form.querySelector("textarea");
    const chooser = form.querySelector("input[type=file]");
    chooser.addEventListener("change", () => {
      this.add([...chooser.files]);
      chooser.value = "";
    });
    this.message.addEventListener("paste", (event) => this.paste(event));
    for (const type of ["dragover", "dragleave", "drop"]) area.addEventListener(type, (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      form.classList.toggle("is-over", type === "dragover");
      if (type === "drop") this.add([...event.dataTransfer.files]);
    });
  }

  get names() {
    return this.waiting.map((one) => one.file.name);
  }

  // What comes with text, such as cells of a sheet, is pasted as text. Pictures are all called the same: they get a name.
  paste(event) {
    const { files, types } = event.clipboardData;
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    const at = new Date().toISOString().slice(0, 19).replaceAll(":", "-").replace("T", " ");
    this.add([...files].map((file, n) => {
      const named = file.name.replace(/^image(?=\.)/, `Pasted ${at}${n ? ` ${n + 1}` : ""}`);
      return new File([file], named, { type: file.type });
    }));
  }

  add(files) {
    const refused = files.map((file) => this.problem(file)).filter(Boolean);
    const taken = files.filter((file) => !this.problem(file));
    for (const file of taken) this.show(file);
    this.complain(refused.join(" "));
    if (taken.length) this.said.textContent = `Attached: ${taken.map((file) => file.name).join(", ")}.`;
    this.message.focus();
  }

  problem(file) {
    const limit = Number(this.form.dataset.limit);
    if (!NAME.test(file.name)) return `“${file.name}” cannot be attached: rename it so that it does not begin with a dot and holds none of / \\ : * ? " < > |.`;
    return file.size > limit ? `“${file.name}” is larger than the ${size(limit)} allowed.` : "";
  }

  // A file takes the place of the one that has its name, here as in the conversation.
  show(file) {
    const chip = this.template.content.firstElementChild.cloneNode(true);
    const one = { file, chip, sent: false };
    chip.querySelector(".file-name").textContent = file.name;
    chip.querySelector("small").textContent = size(file.size);
    chip.querySelector("progress").setAttribute("aria-label", `Sending ${file.name}`);
    const remove = chip.querySelector("button");
    remove.title = `Remove ${file.name}`;
    remove.setAttribute("aria-label", remove.title);
    remove.addEventListener("click", () => this.drop(one));
    const known = this.waiting.findIndex((other) => other.file.name === file.name);
    if (known >= 0) this.waiting[known].chip.remove();
    this.waiting.splice(known >= 0 ? known : this.waiting.length, known >= 0 ? 1 : 0, one);
    this.list.append(chip);
    this.settle();
  }

  drop(one) {
    one.chip.remove();
    this.waiting = this.waiting.filter((other) => other !== one);
    this.said.textContent = `Removed: ${one.file.name}.`;
    this.complain("");
    this.settle();
    this.message.focus();
  }

  settle() {
    this.list.hidden = !this.waiting.length;
    this.message.required = !this.waiting.length;
  }

  complain(sentence) {
    this.wrong.textContent = sentence;
    this.wrong.hidden = !sentence;
  }

  // True when all are there. What was sent is not sent again.
  async send(message) {
    this.complain("");
    this.going = true;
    for (const one of this.waiting.filter((other) => !other.sent)) {
      const problem = await this.upload(one, message);
      if (!problem) continue;
      this.complain(problem);
      break;
    }
    this.going = false;
    return this.waiting.every((one) => one.sent);
  }

  // What went wrong, in words; empty if nothing did.
  async upload(one, message) {
    const meter = one.chip.querySelector("progress");
    const remove = one.chip.querySelector("button");
    const body = new FormData();
    body.append("message", message);
    const { value } = this.form.elements.conversation_id;
    if (value) body.append("conversation_id", value);
    body.append("file", one.file);
    meter.hidden = false;
    remove.disabled = true;
    const { status, answer } = await this.post(body, (part) => (meter.value = part));
    meter.hidden = true;
    remove.disabled = false;
    one.sent = status === 200;
    if (one.sent) this.begun(answer.conversation_id);
    one.chip.classList.toggle("file-bad", !one.sent);
    return one.sent ? "" : this.words(one, answer);
  }

  words({ file }, answer) {
    const said = answer?.error?.message;
    if (!said) return `“${file.name}” could not be sent. Send again to try once more.`;
    return `${said.startsWith("“") ? "" : `“${file.name}”: `}${said}.`;
  }

  // XMLHttpRequest, for fetch tells nothing of how far it has got.
  post(body, progress) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("POST", this.form.dataset.upload);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      for (const [name, value] of Object.entries(this.csrf())) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
      request.addEventListener("loadend", () => resolve({ status: request.status, answer: request.response }));
      request.send(body);
    });
  }

  stop() {
    this.request?.abort();
  }

  // Gone with the message; `back` if the message did not arrive.
  clear() {
    this.before = this.waiting;
    this.waiting = [];
    this.list.replaceChildren();
    this.settle();
  }

  back() {
    for (const one of this.before) this.list.append(one.chip);
    this.waiting = [...this.before, ...this.waiting];
    this.before = [];
    this.settle();
  }
}

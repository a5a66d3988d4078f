/** The chat: messages that stream in, a writer that loses nothing, conversations. */

import { blank, skeleton } from "../dom/blank.js";
import { Frame } from "../dom/frame.js";
import { html, nothing, render, repeat } from "../dom/html.js";
import { chatState } from "../logic/chat_state.js";
import { running } from "../logic/chat.js";
import { follows } from "../logic/scroll.js";
import { Conversation } from "../state/conversation.js";
import { messageTemplate } from "./chat_message.js";
import { Writer } from "./chat_writer.js";
import { Conversations } from "./conversations.js";
import { ModelChoice } from "./model_choice.js";

const PROMPTS = ["Which threats need attention first?", "What is the community talking about?", "What is not working right now?"];

export function mountChat(app) {
  const { store, session, frames, ticker } = app;
  const frame = new Frame(document.getElementById("chat"), (text) => app.announce.say(text));
  const conversation = new Conversation(app);
  frame.draw("body", html`<div class="chat__list" data-part="list" hidden></div>
    <div class="chat__scroll" data-part="scroll" tabindex="0" role="log" aria-live="off" aria-label="Conversation"></div>
    <button class="button chat__below" data-part="below" hidden>New text below</button>
    <div class="chat__writer" data-part="writer"></div><div class="chat__models" data-part="models"></div>`);
  const scroll = frame.part("scroll");
  const below = frame.part("below");
  const writer = new Writer(frame.part("writer"), app, { send, stop: () => conversation.stop() });
  const models = new ModelChoice(app, frame.part("models"), (name) => conversation.choose(name));
  const list = new Conversations(app, frame, (id) => conversation.open(id));
  let following = true;
  let top = 0;

  scroll.addEventListener("scroll", () => follow(follows(following, top, scroll)));
  below.addEventListener("click", () => {
    toEnd();
    scroll.focus();
  });
  new ResizeObserver(() => following && toEnd()).observe(scroll);
  store.watch(["chat"], (_, now, before) => {
    if (now.id !== before.id) following = true;
    speak(app, before, now);
    frames.ask(draw);
  });
  store.watch(["link", "status"], () => frames.ask(drawHead));
  ticker.on(() => frames.ask(drawHead));
  frames.ask(draw);

  function send(text) {
    following = true;
    return conversation.ask(text);
  }

  function retry(id) {
    following = true;
    conversation.retry(id);
  }

  function draw() {
    drawHead();
    const state = store.get("chat");
    const height = scroll.scrollHeight;
    render(content(state), scroll);
    if (following) toEnd();
    else if (running(state.messages) || scroll.scrollHeight > height) below.hidden = false;
    writer.draw({ answering: Boolean(running(state.messages)), refusal: state.refusal, taken: () => conversation.refusalTaken() });
    list.draw(state.id);
  }

  function drawHead() {
    const state = store.get("chat");
    const status = store.get("status")?.data;
    const connected = session.connected;
    frame.state(chatState({ ...state, connected, count: state.messages.length, feature: status?.features?.grok_chat, model: status?.checks?.llm }));
    frame.problem(state.problem, { now: session.now(), retry: () => conversation.load() });
    writer.connected(connected);
  }

  function content({ messages, ready, loading, notice }) {
    if (!messages.length && (!ready || loading)) return skeleton(3, "Loading…");
    if (!messages.length) return welcome();
    const busy = Boolean(running(messages));
    const again = writer.allowed && !busy ? ({ id }) => retry(id) : null;
    const actions = { now: session.now(), resend: (id) => conversation.resend(id), last: messages.at(-1) };
    return html`${notice ? html`<p class="message__meta message__meta--warn">${notice}</p>` : nothing}<ol class="chat__messages">
      ${repeat(messages, ({ clientId, id }) => clientId ?? id, (message) => messageTemplate(message, { ...actions, again: again && (() => again(message)) }))}
    </ol>`;
  }

  function welcome() {
    const unset = store.get("status")?.data?.checks?.llm?.status === "not_configured";
    const prompts = html`<div class="chat__prompts">${PROMPTS.map((text) => html`<button class="button" @click=${() => send(text)}>${text}</button>`)}</div>`;
    const text = unset
      ? html`No language model is set up, so answers come from the local threat and status data. Set <code>JUPITER_LLM_API_KEY</code> for a model, or run <code>python run.py demo</code>.`
      : "Answers rest on the threat and status data of this server and name their sources.";
    return blank("Ask about what you see", text, writer.allowed ? prompts : nothing);
  }

  function follow(now) {
    following = now;
    top = scroll.scrollTop;
    if (now) below.hidden = true;
  }

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    follow(true);
  }
}

/** Tell a screen reader when an answer has come, not each word of it. */
function speak(app, before, now) {
  const was = running(before.messages);
  const done = was && now.messages.find(({ id }) => id === was.id);
  if (!done || done.status === was.status || done.status === "streaming") return;
  app.announce.say(done.status === "complete" ? `Jupiter answered: ${done.text.slice(0, 400)}` : `The answer ended: ${done.status}`);
}

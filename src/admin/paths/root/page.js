"use strict";
// Every text from the gateway becomes a text node: a login cannot be markup.

const KEPT = 120; // points of a graph, one a second
const MOST_ROWS = 500; // sessions shown at once
const LONG = 28; // characters of a cell that may be broken into lines
const series = { sessions: [], logins: [], failed: [] };
let before = null; // the totals of the last event, and when it came
let writable = false;
let token = sessionStorage.getItem("token") || "";
let sessionsFailed = "";

const id = (name) => document.getElementById(name);
const number = (value, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits });

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) { count /= 1000; at += 1; }
  return `${number(count, at ? 1 : 0)} ${units[at]}`;
}

function ago(time) {
  if (!time) return "–";
  let seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${seconds} s`;
}

function milliseconds(seconds) {
  return seconds === null || seconds === undefined ? "–" : `${number(seconds * 1000, 1)} ms`;
}

// The upper end of the interval that holds this part of the durations.
function quantile(histogram, part) {
  let left = histogram.count * part;
  if (!histogram.count) return "–";
  let last = 0;
  for (const interval of histogram.intervals) {
    left -= interval.count;
    if (interval.le !== null) last = interval.le;
    if (left <= 0) return `${interval.le === null ? ">" : "≤"} ${milliseconds(last)}`;
  }
  return "–";
}

// Fills a table. A cell is a text, a number, an element, or { text, kind } with a class.
function fill(table, heads, rows, none) {
  const head = element("tr");
  for (const name of heads) {
    const isNumber = name.startsWith("#");
    const cell = element("th", { scope: "col" }, isNumber ? name.slice(1) : name);
    if (isNumber) cell.className = "number";
    head.append(cell);
  }
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    if (row.key) line.dataset.key = row.key;
    row.cells.forEach((value, at) => {
      const cell = element("td", heads[at].startsWith("#") ? { class: "number" } : {});
      if (value instanceof Node) cell.append(value);
      else if (value && typeof value === "object") {
        cell.textContent = value.text;
        if (value.kind) cell.classList.add(value.kind);
      } else cell.textContent = typeof value === "number" ? number(value) : value ?? "–";
      if (cell.textContent.length > LONG) cell.classList.add("long");
      line.append(cell);
    });
    body.append(line);
  }
  if (!rows.length) {
    body.append(element("tr", {}, element("td", { colspan: heads.length, class: "none" }, none)));
  }
  // A button that has the focus keeps it when its row is drawn anew.
  const held = table.contains(document.activeElement) ? document.activeElement.dataset.session : null;
  table.replaceChildren(element("thead", {}, head), body);
  if (held) table.querySelector(`[data-session="${CSS.escape(held)}"]`)?.focus();
}

// Draws curves to one scale, from 0 to the highest point.
function graph(name, curves) {
  const top = Math.max(1, ...curves.flatMap((curve) => curve.points));
  const lines = curves.map(({ points, kind }) => {
    const from = KEPT - points.length;
    const path = points.map((value, at) => `${((from + at) * 240) / (KEPT - 1)},${58 - (value / top) * 50}`);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", path.join(" "));
    line.setAttribute("class", `curve ${kind}`);
    return line;
  });
  id(`graph-${name}`).replaceChildren(...lines);
  id(`top-${name}`).textContent = number(top, 1);
}

function push(points, value) {
  points.push(value);
  if (points.length > KEPT) points.shift();
}

function totals(status) {
  const sum = { sessions: status.connections.accepted, logins: 0, failed: 0 };
  for (const zone of Object.values(status.mail.server_zones)) {
    for (const { result, count } of zone.logins) {
      if (result === "login") sum.logins += count;
      else if (result === "login-failed") sum.failed += count;
    }
  }
  return sum;
}

function rates(status) {
  const now = { at: performance.now(), ...totals(status) };
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  for (const name of Object.keys(series)) {
    // A new worker counts from 0.
    const more = before ? Math.max(0, now[name] - before[name]) : 0;
    const rate = seconds > 0 ? more / seconds : 0;
    push(series[name], rate);
    id(`rate-${name}`).textContent = number(rate, 1);
  }
  before = now;
  graph("sessions", [{ points: series.sessions, kind: "" }]);
  graph("logins", [
    { points: series.logins, kind: "" },
    { points: series.failed, kind: "failed" },
  ]);
}

function figures(status) {
  const { connections, process, portcullis, logs } = status;
  const list = [
    ["Open sessions", number(connections.active)],
    ["Sessions so far", number(connections.accepted)],
    ["Refused by a limit", number(connections.dropped)],
    ["Memory", bytes(process.resident_memory)],
    ["Processor time", process.cpu_seconds === null ? "–" : `${number(process.cpu_seconds, 1)} s`],
    ["Open files", process.open_files === null ? "–" : `${number(process.open_files)} of ${number(process.most_open_files ?? 0)}`],
    ["Counting for", ago(portcullis.start_time)],
    ["Log lines lost", number(logs.lost_lines)],
  ];
  id("figures").replaceChildren(
    ...list.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
  id("version").textContent = `${portcullis.version}, worker ${process.pid}`;
}

function reloads(status) {
  const { last, kinds } = status.reloads;
  const line = id("reload");
  const count = (name) => Object.values(kinds).reduce((sum, kind) => sum + kind[name], 0);
  const state = `Configuration ${status.portcullis.generation}, in force for ${ago(status.portcullis.load_time)}. `;
  line.textContent = `${state}Reloads: ${count("succeeded")} succeeded, ${count("refused")} refused.`;
  line.className = "";
  if (last && !last.succeeded) {
    line.textContent += ` The last one, ${ago(last.time)} ago, was refused: ${last.refusal}`;
    line.className = "bad";
  }
}

function held(status) {
  const logins = status.held_logins;
  id("held").hidden = !logins.length;
  id("held").textContent = `Held, new sessions get a temporary error: ${logins.join(", ")}`;
}

const ADDRESS_ORDER = new Intl.Collator("en", { numeric: true }).compare;
const sorted = (object) => Object.entries(object).sort(([one], [other]) => ADDRESS_ORDER(one, other));

function listeners(status) {
  const rows = sorted(status.mail.server_zones).map(([address, zone]) => {
    const of = (wanted) => zone.logins.reduce((sum, { result, count }) => sum + (result === wanted ? count : 0), 0);
    const failed = of("login-failed");
    return {
      key: address,
      cells: [
        address, zone.protocol, zone.server_name || "–", zone.connections.processing, zone.connections.total,
        of("login"), { text: number(failed), kind: failed ? "warn" : "" },
        `${number(zone.ssl.handshaked)} / ${number(zone.ssl.failed)}`, bytes(zone.data.received), bytes(zone.data.sent),
      ],
    };
  });
  const heads = ["Address", "Protocol", "Name", "#Open", "#Sessions", "#Logins", "#Failed", "#TLS / failed", "#In", "#Out"];
  fill(id("listeners"), heads, rows, "No server has had a session yet.");
}

const STATES = { up: "good", recovering: "warn", busy: "warn", draining: "warn", down: "warn", unavailable: "bad", unhealthy: "bad" };

function backends(status) {
  const rows = sorted(status.mail.upstreams).flatMap(([group, { peers }]) =>
    sorted(peers).map(([address, peer]) => ({
      key: `${group} ${address}`,
      cells: [
        group, address + (peer.backup ? " (backup)" : ""), { text: peer.state, kind: STATES[peer.state] },
        ago(peer.health.downstart), peer.weight, peer.selected.current, peer.selected.total,
        peer.health.fails, ago(peer.selected.last),
      ],
    })),
  );
  const heads = ["Group", "Backend", "State", "#Since", "#Weight", "#Open", "#Tries", "#Failures", "#Last used"];
  fill(id("backends"), heads, rows, "No backends: the authentication server names them.");
}

function authServers(status) {
  const rows = sorted(status.auth_servers).map(([url, server]) => ({
    key: url,
    cells: [
      url, server.requests, { text: number(server.failed), kind: server.failed ? "warn" : "" },
      milliseconds(server.latency.average), quantile(server.latency, 0.5), quantile(server.latency, 0.99),
    ],
  }));
  fill(id("auth"), ["Address", "#Requests", "#Failed", "#Mean", "#Half", "#99 %"], rows, "No authentication server was asked.");
}

function limits(status) {
  const rows = sorted(status.limits ?? {}).map(([name, zone]) => ({
    key: name,
    cells: [name, zone.kind, zone.key, zone.entries, `${bytes(zone.used)} of ${bytes(zone.size)}`, zone.passed, zone.delayed, zone.limited],
  }));
  const heads = ["Zone", "Kind", "Key", "#Entries", "#Memory", "#Passed", "#Delayed", "#Limited"];
  fill(id("limits"), heads, rows, "No limits are configured.");
}

function certificates(status) {
  const rows = [...status.certificates]
    .sort((one, other) => one.days_left - other.days_left)
    .map((certificate) => {
      const days = certificate.days_left;
      const kind = days < 0 ? "bad" : days < 14 ? "warn" : "good";
      const names = certificate.names.length ? certificate.names.join(", ") : certificate.subject;
      return { key: certificate.file, cells: [names, certificate.issuer, certificate.file, { text: number(days), kind }, certificate.expiry.slice(0, 10)] };
    });
  fill(id("certificates"), ["Names", "Issuer", "File", "#Days left", "#Expiry"], rows, "No certificates are configured.");
}

function errors(list) {
  const lines = list.slice().reverse();
  const items = lines.map((line) => element("li", { class: line.level === "warn" ? "warn" : "bad" }, `${line.time} [${line.level}] ${line.text}`));
  id("errors").replaceChildren(...(items.length ? items : [element("li", { class: "none" }, "none")]));
}

function show(status) {
  figures(status);
  rates(status);
  reloads(status);
  held(status);
  listeners(status);
  backends(status);
  authServers(status);
  limits(status);
  certificates(status);
}

function ask(path, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return fetch(path, { ...options, headers, cache: "no-store" });
}

async function close(session, button) {
  button.disabled = true;
  try {
    const answer = await ask(`/sessions/${encodeURIComponent(session)}/close`, { method: "POST" });
    sessionsFailed = answer.ok || answer.status === 404 ? "" : `Closing failed: ${(await answer.text()).trim()}`;
  } catch (error) {
    sessionsFailed = `Closing failed: ${error.message}`;
  }
  await sessions();
}

function sessionRow(session) {
  const cells = [
    session.session, session.protocol, session.server, session.client, session.login ?? "–", session.upstream ?? "–",
    session.tls ?? "–", session.phase, ago(session.since), bytes(session.in), bytes(session.out),
  ];
  if (writable) {
    const label = `Close the session ${session.session} of ${session.login ?? session.client}`;
    const button = element("button", { type: "button", "aria-label": label, "data-session": session.session }, "close");
    button.addEventListener("click", () => close(session.session, button));
    cells.push(button);
  }
  return { key: session.session, cells };
}

async function sessions() {
  let list = [];
  try {
    const answer = await ask("/sessions");
    if (!answer.ok) return;
    list = await answer.json();
  } catch {
    return; // The events say that the gateway is gone.
  }
  const words = id("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (session) => Object.values(session).join(" ").toLowerCase();
  const found = words.length ? list.filter((session) => words.every((word) => text(session).includes(word))) : list;
  const heads = ["Session", "Protocol", "Server", "Client", "Login", "Backend", "TLS", "Phase", "#For", "#In", "#Out"];
  if (writable) heads.push("");
  fill(id("sessions"), heads, found.slice(0, MOST_ROWS).map(sessionRow), "No session is open, or none is found.");
  const shown = found.length > MOST_ROWS ? `, the first ${MOST_ROWS} are shown` : "";
  const told = `${number(list.length)} open, ${number(found.length)} found${shown}`;
  id("sessions-text").textContent = sessionsFailed ? `${told}. ${sessionsFailed}` : told;
}

function live(kind, text) {
  id("live").className = kind;
  if (id("live-text").textContent !== text) id("live-text").textContent = text;
}

function event(name, data) {
  if (name === "status") show(data);
  else if (name === "errors") errors(data);
  else if (name === "access") writable = data.writable;
}

// Reads server-sent events with fetch: EventSource cannot send a token.
async function events() {
  const answer = await ask("/events");
  if (answer.status === 401) return false;
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  id("token-form").hidden = true;
  id("main").hidden = false;
  live("live", "live");
  sessions();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the gateway closed the connection");
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      let name = "message";
      let data = "";
      for (const line of part.split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (data) event(name, JSON.parse(data));
    }
  }
}

async function follow() {
  for (;;) {
    try {
      if (!(await events())) {
        live("lost", "a token is needed");
        if (token) id("token-text").textContent = "This token is not the one of the directive \"status\".";
        id("token-form").hidden = false;
        id("main").hidden = true;
        id("token").focus();
        return;
      }
    } catch (error) {
      live("lost", `no connection: ${error.message}`);
      before = null;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

id("token-form").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  token = id("token").value.trim();
  sessionStorage.setItem("token", token);
  follow();
});
id("search").addEventListener("input", sessions);
document.addEventListener("keydown", (pressed) => {
  const typing = pressed.target.closest("input, textarea");
  if (pressed.key === "/" && !typing && !pressed.ctrlKey && !pressed.metaKey) {
    pressed.preventDefault();
    id("search").focus();
  } else if (pressed.key === "Escape" && pressed.target === id("search")) {
    id("search").value = "";
    sessions();
  }
});
setInterval(() => {
  if (!document.hidden && !id("main").hidden) sessions();
}, 2000);
follow();

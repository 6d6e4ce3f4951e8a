"use strict";
// The account and its positions, read once a second. Numbers stay the strings that the engine sent: they are
// only shortened for the eye, never calculated with.

const EVERY_MS = 1000, STALE_MS = 5000;
const at = (id) => document.getElementById(id);
let token = sessionStorage.getItem("token") || "";
let heard = 0, timer = 0;

async function ask(path) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(4000) });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.text), { status: answer.status });
  return body;
}

async function look() {
  try {
    const [accounts, positions] = await Promise.all([ask("/api/crypto/accounts"), ask("/api/crypto/positions")]);
    heard = Date.now();
    show(accounts, positions);
  } catch (error) {
    if (error.status === 401 || error.status === 403) return askForToken(token ? error.message : "");
    if (error.status) tell(error.message);
  }
  told();
  timer = setTimeout(look, EVERY_MS);
}

function tell(text) { at("alarm").textContent = text; at("alarm").hidden = !text; }

function told() {
  const age = heard ? Date.now() - heard : 0;
  const stale = !heard || age > STALE_MS;
  at("state").textContent = !heard ? "no answer" : stale ? `no answer for ${Math.round(age / 1000)} s` : "live";
  at("state").className = `state ${stale ? "stale" : "live"}`;
  at("desk").classList.toggle("pale", stale);
}

function askForToken(why) {
  token = ""; sessionStorage.removeItem("token");
  at("desk").hidden = at("leave").hidden = true; at("key").hidden = false;
  at("no").hidden = !why; at("no").textContent = why ? "This token opens nothing here." : "";
  at("state").textContent = "locked"; at("state").className = "state";
  at("token").focus();
}

at("key").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value.trim(); at("token").value = "";
  sessionStorage.setItem("token", token);
  at("key").hidden = true; clearTimeout(timer); look();
});
at("leave").addEventListener("click", () => { clearTimeout(timer); askForToken(""); });

// -- drawing ------------------------------------------------------------------------------------------------

function make(tag, words, kind) {
  const element = document.createElement(tag);
  if (words !== undefined) element.textContent = words;
  if (kind) element.className = kind;
  return element;
}

function show(accounts, positions) {
  const account = accounts.accounts[0];
  at("key").hidden = true; at("desk").hidden = false; at("leave").hidden = !token;
  at("mode").textContent = account.mode; at("mode").className = `badge ${account.mode}`; at("mode").hidden = false;
  const troubles = [account.halted && `Halted ${account.halted}`, !account.reconciled && "The account is still being read",
    account.read_only && `Read-only: ${account.read_only}`, ...account.limits.filter((l) => l.hit).map((l) => `Limit hit: ${l.name}`)];
  tell(troubles.filter(Boolean).join(" · "));
  at("accounts").replaceChildren(...accounts.accounts.map(accountCard));
  at("positions").replaceChildren(...positions.positions.map(positionCard), ...positions.entries.map(({ entry, text }) => comingCard(entry, text, positions.at - entry.since)),
    ...positions.flips.map(({ flip, text }) => comingCard(flip, text, flip.until - positions.at, " left")));
  at("count").textContent = positions.positions.length || "";
  at("none").hidden = positions.positions.length + positions.entries.length + positions.flips.length > 0;
  at("when").textContent = new Date(accounts.at).toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

function accountCard(account) {
  const m = account.money, card = make("article", undefined, "card");
  card.append(lead(make("span", account.id, "name"), make("span", amount(m.equity), "big")),
    under("Equity, USDT", `${account.positions} open`),
    rows(["Free", amount(m.free)], ["Today", result(m.day_pnl, m.day_return)], ["This week", result(m.week_pnl, m.week_return)],
      ["Worst case", result(worse(m.worst_case))], ...leftOut(account.worst_case_leaves_out), ["Margin in use", percent(m.deployed)], ["Leverage", m.leverage === null ? "–" : `${fixed(m.leverage, 2)}×`],
      ["Cycles", `${m.cycles} of ${m.max_cycles}, ${m.risk_free} risk-free`], ...account.limits.filter((l) => l.left && l.name !== "cycles").map(limit)));
  return card;
}

function limit(l) {
  return [capital(l.name), [l.hit ? `${l.now}, limit ${l.limit}` : l.left, l.hit ? "loss" : ""]];
}

function capital(words) { return words.charAt(0).toUpperCase() + words.slice(1); }

function leftOut(number) {
  return number ? [["Not in the worst case", [`${number} not under care`, "warn"]]] : [];
}

function positionCard(p) {
  const card = make("article", undefined, "card"), name = make("span", p.symbol, "name");
  name.append(make("span", `${p.side.toUpperCase()} ${trim(p.leverage)}×`, `side ${p.side}`));
  const gain = make("span", signed(p.unrealized_pnl), `big ${tone(p.unrealized_pnl)}`);
  card.append(lead(name, gain), under(p.managed ? `${p.status}${p.reason ? ` (${p.reason})` : ""}` : "not managed", percentSigned(p.unrealized_return)));
  card.append(rows(["Size", trim(p.size)], ["Entry", price(p.entry, p)], ["Mark", p.mark === null ? ["unknown", "warn"] : price(p.mark, p)],
    ["Liquidation", Number(p.liquidation) ? `${price(p.liquidation, p)}${p.distance === null ? "" : ` · ${percent(p.distance)} away`}` : "none"]));
  if (p.distance !== null) card.append(distance(Number(p.distance)));
  if (p.managed) {
    const next = p.next_rung, more = next ? `${p.rungs}, next at ${price(next.trigger, p)}` : String(p.rungs);
    card.append(rows(...stops(p), ["Rungs", more], ["Worst case", p.risk_free ? ["risk-free", "gain"] : result(worse(p.worst_case))],
      ["Banked", result(p.realized)], ["Funding", result(p.funding)]));
  }
  const words = p.managed ? `If the machine dies: ${p.if_machine_dies}` : p.reason;
  const note = make("p", words, "note");
  if (p.blocked) note.prepend(make("b", `Blocked: ${p.blocked}. `));
  if (words || p.blocked) card.append(note);
  return card;
}

function comingCard(of, text, ms, suffix = "") {
  const card = make("article", undefined, "card"), name = make("span", of.symbol, "name");
  name.append(make("span", of.side.toUpperCase(), `side ${of.side}`));
  card.append(lead(name, make("span", `${Math.max(0, Math.floor(ms / 1000))} s${suffix}`)), under(capital(text), `by ${of.by}`));
  return card;
}

function stops(p) {
  if (!p.stops.length) return [["Stop", ["none, only the liquidation", "warn"]]];
  return p.stops.map((s) => {
    const whose = s.ours ? `Stop ${s.leg === null ? "of all" : s.leg}, ${s.why}` : capital(s.why);
    return [s.confirmed ? whose : `${whose}, not read back`, [`${price(s.trigger, p)} · ${signed(s.result)}`, tone(s.result)]];
  });
}

function lead(left, right) { const row = make("div", undefined, "lead"); row.append(left, right); return row; }
function under(left, right) { const row = make("div", undefined, "under"); row.append(make("span", left), make("span", right)); return row; }

function rows(...pairs) {
  const table = make("table"), body = table.createTBody();
  for (const [label, value] of pairs) {
    const row = body.insertRow(), head = make("th", label), [words, kind] = Array.isArray(value) ? value : [value, ""];
    head.scope = "row"; row.append(head, make("td", words, kind));
  }
  return table;
}

function distance(share) {
  const bar = make("div", undefined, "distance"), fill = make("i", undefined, share < 0.02 ? "close" : share < 0.05 ? "near" : "");
  fill.style.width = `${Math.min(100, share * 500)}%`;
  bar.setAttribute("role", "img"); bar.setAttribute("aria-label", "distance to liquidation"); bar.append(fill);
  return bar;
}

// -- numbers ------------------------------------------------------------------------------------------------

const grouped = (number, digits) => number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
function fixed(text, digits) { return text === null ? "–" : grouped(Number(text), digits); }
function amount(text) { return fixed(text, 2); }
function trim(text) { return text.includes(".") ? text.replace(/\.?0+$/, "") : text; }
function price(text, p) { return text === null ? "–" : Number(text).toLocaleString("en-US", { maximumFractionDigits: Math.max(p.price_decimals, 2), minimumFractionDigits: p.price_decimals }); }
function sign(number) { return number < 0 ? "−" : "+"; }
function signed(text) { return text === null ? "–" : `${sign(Number(text))}${grouped(Math.abs(Number(text)), 2)}`; }
function percent(text) { return text === null ? "–" : `${grouped(Number(text) * 100, 1)} %`; }
function percentSigned(text) { return text === null ? "–" : `${sign(Number(text))}${grouped(Math.abs(Number(text)) * 100, 1)} %`; }
// A worst case is never rounded towards the better: nothing promises more than what rests can keep.
function worse(text) { return text === null ? null : String(Math.floor(Number((Number(text) * 100).toFixed(6))) / 100); }
function tone(text) { const n = Number(text); return text === null || !n ? "" : n > 0 ? "gain" : "loss"; }
function result(text, share) { return [share ? `${signed(text)} (${percentSigned(share)})` : signed(text), tone(text)]; }

look();

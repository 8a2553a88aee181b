"use strict";
// Requests /now every two seconds while the page is visible. All values are set as text, never as markup.
const INTERVAL_MILLISECONDS = 2000;
const TIMEOUT_MILLISECONDS = 8000;
const [WIDTH, HEIGHT] = [610, 160];
const element = (id) => document.getElementById(id);
const count = new Intl.NumberFormat("en").format;
let lastAnswer = null;

function set(id, text, unit = "") {
  const target = element(id);
  target.textContent = text;
  if (unit) {
    const span = document.createElement("span");
    span.className = "unit";
    span.textContent = unit;
    target.append(span);
  }
}

function digits(value) {
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

function duration(seconds) {
  if (seconds === null) return ["–", ""];
  return seconds < 1 ? [digits(seconds * 1000), "ms"] : [digits(seconds), "s"];
}

function longDuration(seconds) {
  const units = [["days", 86400], ["hours", 3600], ["minutes", 60]];
  const [name, length] = units.find(([, length]) => seconds >= 2 * length) ?? ["seconds", 1];
  return `${Math.floor(seconds / length)} ${name}`;
}

function setState(text, className) {
  const state = element("state");
  if (state.textContent === text) return; // a screen reader would read it again
  state.textContent = text;
  state.className = `state ${className}`;
}

function showState(now) {
  setState(now.ready ? "ready" : "not ready", now.ready ? "good" : "bad");
  const missing = element("missing");
  missing.hidden = now.ready;
  missing.replaceChildren(...now.missing.map((reason) => item(reason)));
}

function item(text, className = "") {
  const li = document.createElement("li");
  li.textContent = text;
  li.className = className;
  return li;
}

function showTweets(tweets, latency) {
  const rate = tweets.received_per_second;
  set("received", rate === null ? "–" : digits(rate), "/s");
  const rejected = tweets.rejected_per_second;
  set("received-note", rejected > 0 ? `${digits(rejected)} /s rejected` : "none rejected");
  set("p50", ...duration(latency.p50));
  set("p99", latency.p99 === null ? "none in the last minute" : `median; 99 % below ${duration(latency.p99).join(" ")}`);
  set("in-progress", count(tweets.in_progress), `of ${tweets.at_most}`);
  Object.assign(element("window"), { max: tweets.at_most, value: tweets.in_progress, high: tweets.at_most * 0.9 });
  set("waiting", count(tweets.waiting));
  set("waiting-note", tweets.waiting ? `the oldest for ${duration(tweets.oldest_wait_seconds).join(" ")}` : "for an interpreter");
  set("totals", `${count(tweets.received)} received, ${count(tweets.labelled)} labelled, ${count(tweets.rejected)} rejected`);
}

function withError(estimate) {
  return estimate?.standard_error == null ? "" : `± ${estimate.standard_error.toPrecision(2)}`;
}

function showPower(power) {
  for (const card of document.querySelectorAll("[data-power]")) card.hidden = power === null;
  if (power === null) return;
  const perTweet = power.joules_per_tweet.all;
  set("watts", power.watts ? power.watts.value.toFixed(2) : "–", "W");
  set("watts-note", power.watts ? `${withError(power.watts)} · ${power.source}` : "no readings from the meter");
  set("joules", perTweet ? perTweet.value.toPrecision(3) : "–", "J");
  set("joules-note", perTweet ? withError(perTweet) : "no recent tweets");
}

function bar(position, base, size, className, highest) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const scale = HEIGHT / highest;
  const place = { x: position * 10 + 1, width: 8, y: HEIGHT - (base + size) * scale, height: size * scale };
  for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
  rect.setAttribute("class", className);
  return rect;
}

function showPolarity(polarity) {
  const { labels, counts, interval_seconds: seconds } = polarity;
  const highest = Math.max(1, ...counts.map((interval) => interval.reduce((sum, each) => sum + each, 0)));
  const first = WIDTH / 10 - counts.length;
  const bars = counts.flatMap((interval, index) => {
    let base = 0;
    return interval.map((size, which) => {
      base += size;
      const unfinished = index === counts.length - 1 ? " unfinished" : "";
      return bar(first + index, base - size, size, labels[which] + unfinished, highest);
    });
  });
  element("chart").replaceChildren(...bars);
  set("highest", `${count(highest)} tweets in ${seconds} seconds`);
  const sums = labels.map((_, which) => counts.reduce((sum, interval) => sum + interval[which], 0));
  const all = sums.reduce((sum, each) => sum + each, 0);
  const share = (sum) => (all ? Math.round((100 * sum) / all) : 0);
  const texts = labels.map((label, which) => `${label} ${share(sums[which])} % (${count(sums[which])})`);
  element("polarities").replaceChildren(...texts.map((text, which) => item(text, labels[which])));
}

function show(now) {
  document.title = `${now.node} · Starling`;
  set("node", now.node);
  showState(now);
  showTweets(now.tweets, now.latency_seconds);
  showPower(now.power);
  showPolarity(now.polarity);
  set("model", now.model ? `${now.model.name}, ${now.model.precision}` : "not loaded");
  set("sha256", now.model ? now.model.sha256.slice(0, 16) : "–");
  set("version", now.version);
  set("uptime", longDuration(now.uptime_seconds));
}

async function refresh() {
  try {
    // An absolute URL: a relative one would contain the password from the address bar, which fetch refuses.
    const answer = await fetch(new URL("/now", location.origin), { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
    lastAnswer = new Date();
    document.body.classList.remove("old");
  } catch {
    document.body.classList.add("old");
    setState(lastAnswer ? `no answer since ${lastAnswer.toLocaleTimeString()}` : "no answer", "bad");
  }
}

async function refreshWhileVisible() {
  while (!document.hidden) {
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MILLISECONDS));
  }
  document.addEventListener("visibilitychange", refreshWhileVisible, { once: true });
}

refreshWhileVisible();

// What scripts/check_browser.py does in a real browser. Usage: node visit.mjs SETTINGS, a JSON object with the keys that are taken apart below.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

const { executable, spki, clear, encrypted, locked, key, allowed, stranger, pictures } = JSON.parse(process.argv[2]);
const PATIENCE_MS = 30_000;
const REPEATED = "The quick brown fox jumps over the lazy dog near the river bank. ".repeat(3);
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

class Failed extends Error {}

function check(what, isSo, seen) {
  if (!isSo) {
    throw new Failed(`${what}: ${JSON.stringify(seen)}`);
  }
}

// Everything that a page complains of while it is open.
function complaints(page) {
  const heard = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && heard.push(message.text()));
  page.on("pageerror", (error) => heard.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => heard.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && heard.push(`${response.url()}: ${response.status()}`));
  return heard;
}

// Told apart from what the console says, whose words change with the version of the browser.
async function countViolations(page) {
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
  });
}

async function opened(browser, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await countViolations(page);
  return { context, page, heard: complaints(page) };
}

async function picture(page, name) {
  if (!pictures) {
    return;
  }
  mkdirSync(pictures, { recursive: true });
  const take = (path, options) => page.screenshot({ path: join(pictures, path), ...options });
  if (name.startsWith("dashboard")) {
    await take(`${name}.png`, { fullPage: true });
  } else {
    // As a whole it is longer than any picture: where it was used, and where it begins.
    await take(`${name}.png`);
    await page.evaluate(() => scrollTo(0, 0));
    await take(`${name}-top.png`);
  }
}

async function dashboard(page, base) {
  await page.goto(`${base}/`);
  await page.waitForFunction(() => document.getElementById("status").textContent === "ok");
  await page.fill("#content", REPEATED);
  await page.click("#analyze button");
  await page.waitForSelector("#result:not([hidden])");
  const found = await page.textContent("#passages");
  check("the dashboard shows the passage that is repeated", found.includes("quick brown fox"), found);
}

async function documentation(page, base) {
  await page.goto(`${base}/docs`);
  const operations = await page.locator("article[data-path]").count();
  check("the page of the API shows its operations", operations > 30, operations);
  const article = page.locator('article[data-method="POST"][data-path="/api/v1/analyze"]');
  await article.locator("summary", { hasText: "Try it" }).click();
  await article.locator("form button").click();
  await page.waitForFunction(() => /^200 /.test(document.querySelector('article[data-path="/api/v1/analyze"] form pre').textContent));
}

const PAGES = { dashboard, documentation };

// Both pages do what they are for, and nothing complains.
async function pages(browser, base, how) {
  for (const [name, visit] of Object.entries(PAGES)) {
    const { context, page, heard } = await opened(browser);
    await visit(page, base);
    check(`${name}: violations of the policy`, (await page.evaluate(() => window.violations)).length === 0, await page.evaluate(() => window.violations));
    check(`${name}: complaints of the browser`, heard.length === 0, heard);
    await picture(page, `${name}-${how}`);
    await context.close();
  }
  console.log(`pages ${how}: the dashboard and the page of the API work under their policy, and the browser complains of nothing`);
}

// A service that asks for a key: the pages ask for one in turn, take no wrong one, and keep the right one from page to page.
async function keys(browser) {
  const { context, page } = await opened(browser);
  const form = page.locator("form.access");
  const give = async (given) => {
    await form.locator("input").fill(given);
    await form.locator("button").click();
  };
  await page.goto(`${locked}/`);
  await form.waitFor();
  await picture(page, "dashboard-locked");
  await give("wrong");
  await page.waitForFunction(() => document.querySelector("form.access").textContent.includes("not taken"));
  check("what the dashboard says without a key", (await page.textContent("#status")) === "asks for a key", await page.textContent("#status"));
  await give(key);
  await page.waitForFunction(() => document.getElementById("status").textContent === "ok");
  check("the field for a key goes when it is taken", await form.isHidden(), "it is still there");
  await dashboard(page, locked);
  await documentation(page, locked);
  check("the page of the API uses the same key", await form.isHidden(), "it asks again");
  check("violations of the policy with a key", (await page.evaluate(() => window.violations)).length === 0, await page.evaluate(() => window.violations));
  await context.close();
  const stranger = await opened(browser);
  await stranger.page.goto(`${locked}/docs`);
  const article = stranger.page.locator('article[data-method="GET"][data-path="/api/v1/stats"]');
  await article.locator("summary", { hasText: "Try it" }).click();
  await article.locator("form button").click();
  await stranger.page.locator("form.access").waitFor();
  check("the page of the API shows a refusal", /^401 /.test(await article.locator("form pre").textContent()), await article.locator("form pre").textContent());
  await stranger.context.close();
  console.log("keys: both pages ask for one when the service does, say that a wrong one is not taken, and keep the right one for the tab");
}

// The policy is no decoration: what somebody gets into a page is not run, and goes nowhere.
async function policy(browser) {
  for (const path of ["/", "/docs"]) {
    const { context, page } = await opened(browser);
    await page.goto(clear + path);
    const seen = await page.evaluate(async (elsewhere) => {
      const add = (name, values) => document.body.append(Object.assign(document.createElement(name), values));
      add("script", { textContent: "window.ran = true" });
      add("script", { src: `${elsewhere}/script.js` });
      add("img", { src: `${elsewhere}/picture.png` });
      add("style", { textContent: "body { color: red }" });
      const sent = await fetch(`${elsewhere}/steal`).then(() => true, () => false);
      return { ran: Boolean(window.ran), sent };
    }, allowed);
    // Violations are told of in tasks of their own.
    await page.waitForFunction(() => window.violations.length >= 5);
    const directives = await page.evaluate(() => [...new Set(window.violations.map((one) => one.split(" ")[0]))].sort());
    check(`${path}: what was put into the page`, !seen.ran && !seen.sent, seen);
    check(`${path}: what the policy forbids`, directives.join() === "connect-src,img-src,script-src-elem,style-src-elem", directives);
    await context.close();
  }
  console.log("policy: scripts, styles, pictures and requests that somebody gets into a page are blocked");
}

// What a page of another origin gets to see of the API.
async function call(page, options, path = "/api/v1/analyze") {
  return page.evaluate(async ([target, given]) => {
    try {
      const answer = await fetch(target, given);
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
    } catch (error) {
      return { refused: error.message };
    }
  }, [clear + path, options]);
}

const post = (body, headers = {}) => ({ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });

async function allowedOrigin(browser) {
  const { context, page } = await opened(browser);
  await page.goto(allowed);
  const found = await call(page, post({ content: REPEATED }, { "X-Request-Id": "from-a-browser" }));
  check("an allowed origin reads an answer", found.status === 200 && JSON.parse(found.body).success, found);
  check("it reads the id of the request", found.headers["x-request-id"] === "from-a-browser", found.headers);
  for (const name of ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"]) {
    check(`it reads ${name}`, found.headers[name], found.headers);
  }
  const fault = await call(page, post({}));
  check("it reads what is wrong with a request", fault.status === 422 && JSON.parse(fault.body).error.type === "ValidationError", fault);
  for (const [method, path, status] of [["PUT", "/api/v1/documents/one", 201], ["DELETE", "/api/v1/documents/one", 204]]) {
    const answer = await call(page, { ...post({ content: "A text." }), method, body: method === "PUT" ? '{"content": "A text."}' : undefined }, path);
    check(`it may ${method}`, answer.status === status, answer);
  }
  const endpoint = { id: "cors", url: "https://example.org/", events: ["*"] };
  check("it may register", (await call(page, post(endpoint, { "Idempotency-Key": "one" }), "/api/v1/webhooks/endpoints")).status === 201, "");
  check("it may change", (await call(page, { ...post({ is_active: false }), method: "PATCH" }, "/api/v1/webhooks/endpoints/cors")).status === 200, "");
  await context.close();
  console.log("an allowed origin: calls with a preflight, by every method, and reads answers, errors, X-Request-Id and the headers of the rate limit");
}

async function otherOrigin(browser) {
  const { context, page } = await opened(browser);
  await page.goto(stranger);
  for (const [what, options, path] of [
    ["an answer after a preflight", post({ content: REPEATED })],
    ["an answer without a preflight", {}, "/api/v1/stats"],
    ["health", {}, "/health"],
    ["an answer that it does not want to read", { mode: "no-cors" }, "/api/v1/stats"],
  ]) {
    check(`another origin gets ${what}`, (await call(page, options, path)).refused, await call(page, options, path));
  }
  await call(page, { ...post({ content: "A text." }), method: "PUT" }, "/api/v1/documents/of-a-stranger");
  const loaded = await page.evaluate(async (base) => {
    const load = (name, path) => new Promise((done) => {
      const element = Object.assign(document.createElement(name), { src: base + path, onload: () => done(true), onerror: () => done(false) });
      document.body.append(element);
    });
    return [await load("img", "/assets/icon.svg"), await load("script", "/api/v1/stats"), await load("script", "/assets/dashboard.js")];
  }, clear);
  check("another origin embeds files of the service", !loaded.includes(true), loaded);
  await page.goto(allowed);
  const document = await call(page, {}, "/api/v1/documents/of-a-stranger");
  check("what another origin asked for was not done", document.status === 404, document);
  await context.close();
  console.log("another origin: reads nothing, embeds nothing, and what needs a preflight is not done");
}

// Where the only frame of a page is when it has gone somewhere.
async function settled(page) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const frame = page.frames()[1];
    if (frame && !["", "about:blank"].includes(frame.url())) {
      return frame.url();
    }
    await page.waitForTimeout(20);
  }
  return "nowhere";
}

async function framing(browser) {
  for (const origin of [allowed, stranger]) {
    const { context, page } = await opened(browser);
    await page.goto(origin);
    for (const path of ["/", "/docs", "/api/v1/stats"]) {
      await page.evaluate((address) => document.body.append(Object.assign(document.createElement("iframe"), { src: address })), clear + path);
      const shown = await settled(page);
      check(`${path} in a frame`, shown.startsWith("chrome-error:"), shown);
      await page.evaluate(() => document.querySelector("iframe").remove());
    }
    await context.close();
  }
  console.log("framing: neither page, nor an answer, can be framed by any origin");
}

// The certificate has to be good for that, and the name no address and not localhost: browsers leave those out.
async function strictTransport(browser) {
  const { context, page } = await opened(browser);
  const inClear = encrypted.replace("https:", "http:");
  const before = await page.goto(`${inClear}/`);
  check("clear text before the first visit", before.status() === 400 && (await before.text()).includes("https://"), before.status());
  await page.goto(`${encrypted}/`);
  const after = await page.goto(`${inClear}/`);
  check("clear text after the first visit is turned into TLS", after.status() === 200 && page.url() === `${encrypted}/`, [after.status(), page.url()]);
  await context.close();
  console.log("TLS: the browser remembers to come encrypted");
}

async function looks(browser) {
  if (!pictures) {
    return;
  }
  for (const [how, options] of [["phone", { viewport: PHONE }], ["dark", { colorScheme: "dark" }]]) {
    for (const [name, visit] of Object.entries(PAGES)) {
      const { context, page } = await opened(browser, options);
      await visit(page, clear);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await picture(page, `${name}-${how}`);
      console.log(`picture ${name}-${how}.png${wide > 0 ? ` (${wide} pixels wider than the window)` : ""}`);
      await context.close();
    }
  }
}

const browser = await chromium.launch({
  executablePath: executable,
  // Containers do not have what the sandbox needs; only our own pages are visited.
  args: ["--no-sandbox", "--disable-dev-shm-usage", `--ignore-certificate-errors-spki-list=${spki}`, "--host-resolver-rules=MAP redundancy.test 127.0.0.1"],
});
try {
  await pages(browser, clear, "plain");
  await pages(browser, encrypted, "encrypted");
  await keys(browser);
  await policy(browser);
  await allowedOrigin(browser);
  await otherOrigin(browser);
  await framing(browser);
  await strictTransport(browser);
  await looks(browser);
} catch (error) {
  console.error(error instanceof Failed ? `check_browser: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  await browser.close();
}

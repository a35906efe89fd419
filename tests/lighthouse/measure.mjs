// Lighthouse (mobile) over eight pages: four categories, and the weight of a first visit. Run by hand, see README.md.
// Exits with 1 if a page is below 99 in a category or heavier than 60 KB.
import { mkdirSync, writeFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const SITE = process.argv[2] ?? "http://localhost:8000";
const CHOSEN = process.argv.slice(3); // paths; without any, all eight
const LEAST = 99; // of 100
const MOST_BYTES = 60 * 1024;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const PUBLIC = ["/", "/help/", "/centres/", "/accounts/signup/"];
const OWN = ["/dashboard/", "/kitbag/", "/service/", "/kitbag/add/"]; // of the demo member
const NO_ROBOTS = "is-crawlable"; // private pages ask not to be found, which is right and would cost a third of "seo"
const MEMBER = { login: "ana@example.org", password: "demo only portal" };
const FOLDER = process.env.REPORTS; // reports of all pages as HTML, if it is set

function cookiesOf(answer) {
  return answer.headers.getSetCookie().map((line) => line.split(";")[0]);
}

// Signs in without a browser, so that nothing but the cookies is there when a page is measured: the cache is empty.
async function signIn() {
  const page = await fetch(`${SITE}/accounts/login/`);
  const cookies = cookiesOf(page);
  const token = (await page.text()).match(/name="csrfmiddlewaretoken" value="([^"]+)"/)[1];
  const answer = await fetch(`${SITE}/accounts/login/`, {
    method: "POST",
    redirect: "manual",
    headers: { cookie: cookies.join("; "), origin: SITE, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...MEMBER, csrfmiddlewaretoken: token }),
  });
  if (answer.status !== 302) throw new Error(`cannot sign in: ${answer.status}. Is there a demo world (make_demo)?`);
  return cookiesOf(answer).map((pair) => {
    const [name, ...value] = pair.split("=");
    return { name, value: value.join("="), domain: new URL(SITE).hostname };
  });
}

async function giveCookies(chrome, cookies) {
  const browser = await puppeteer.connect({ browserURL: `http://localhost:${chrome.port}` });
  await browser.setCookie(...cookies);
  await browser.disconnect();
}

async function measure(chrome, path, isOwn) {
  const options = {
    port: chrome.port,
    output: "html",
    logLevel: "error",
    onlyCategories: CATEGORIES,
    skipAudits: isOwn ? [NO_ROBOTS] : [],
  };
  const { lhr, report } = await lighthouse(SITE + path, options);
  if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
  if (new URL(lhr.finalDisplayedUrl).pathname !== path) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
  if (FOLDER) writeFileSync(`${FOLDER}/${path.replaceAll("/", "_")}.html`, report);
  const scores = CATEGORIES.map((name) => Math.round(lhr.categories[name].score * 100));
  const failed = Object.values(lhr.categories).flatMap(({ auditRefs }) =>
    auditRefs
      .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9)
      .map(({ id }) => id),
  );
  return { path, scores, bytes: lhr.audits["total-byte-weight"].numericValue, failed };
}

if (FOLDER) mkdirSync(FOLDER, { recursive: true });
const cookies = await signIn();
const chrome = await launch({ chromePath: process.env.CHROME_PATH, chromeFlags: ["--headless", "--no-sandbox"] });
let isBelow = false;
try {
  console.log(["page".padEnd(20), ...CATEGORIES, "KB"].join("  "));
  const pages = [...PUBLIC, ...OWN].filter((path) => !CHOSEN.length || CHOSEN.includes(path));
  for (const path of pages) {
    if (path === pages.find((each) => OWN.includes(each))) await giveCookies(chrome, cookies);
    const { scores, bytes, failed } = await measure(chrome, path, OWN.includes(path));
    const bad = scores.some((score) => score < LEAST) || bytes > MOST_BYTES;
    isBelow ||= bad;
    const cells = scores.map((score, index) => String(score).padStart(CATEGORIES[index].length));
    console.log([path.padEnd(20), ...cells, (bytes / 1024).toFixed(1), bad ? failed.join(" ") : ""].join("  "));
  }
} finally {
  chrome.kill();
}
process.exitCode = isBelow ? 1 : 0;

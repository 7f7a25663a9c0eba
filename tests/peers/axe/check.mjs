// Reads pages from standard input, a JSON object of HTML by name; prints what axe-core and html-validate find wrong.
// jsdom lays nothing out, so axe's rules about colours and sizes cannot be judged here: they are left out.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PATH}/`);
const { JSDOM } = require("jsdom");
const { HtmlValidate } = require("html-validate");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const validator = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: { "no-trailing-whitespace": "off", "void-style": "off" },
});

const found = [];
for (const [name, html] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const { window } = new JSDOM(html, { runScripts: "outside-only", pretendToBeVisual: true, url: "https://city.example/" });
  window.eval(axe);
  const { violations, passes } = await window.axe.run(window.document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: { "color-contrast": { enabled: false }, "target-size": { enabled: false } },
  });
  if (passes.length < 10) found.push(`${name}: axe judged only ${passes.length} rules`);
  for (const one of violations) found.push(`${name}: axe ${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  const report = await validator.validateString(html);
  for (const { messages } of report.results)
    for (const one of messages) found.push(`${name}: html ${one.ruleId} in line ${one.line}: ${one.message}`);
}
console.log(JSON.stringify(found));

// Prints what the official parser finds wrong with AsyncAPI documents, each in a line of JSON: severity 0 is an error.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PATH}/`);
const { Parser } = require("@asyncapi/parser");
const told = ({ severity, code, message, path }) => ({ severity, code, message, path: path.join(".") });
for (const document of process.argv.slice(2)) {
  const found = await new Parser().validate(readFileSync(document, "utf8"));
  console.log(JSON.stringify(found.map(told)));
}

// Prints what the official parser finds wrong with an AsyncAPI document, as JSON: severity 0 is an error.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PATH}/`);
const { Parser } = require("@asyncapi/parser");
const found = await new Parser().validate(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(found.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join(".") }))));

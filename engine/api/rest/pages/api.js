"use strict";
// The OpenAPI document, to read.

const PARTS_OF_PAGES = ["text/css", "text/javascript"];
const at = (id) => document.getElementById(id);

function make(tag, kind, ...inside) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...inside);
  return element;
}

// What a schema is, in words and links to the shapes that it names.
function shapeOf(schema) {
  if (!schema) return [];
  if (schema.$ref) return [link(schema.$ref.split("/").pop())];
  if (schema.type === "array") return ["list of ", ...shapeOf(schema.items || (schema.prefixItems || [])[0])];
  const several = schema.anyOf || schema.oneOf;
  if (several) return several.flatMap((each, k) => (k ? [" or ", ...shapeOf(each)] : shapeOf(each)));
  if (schema.const !== undefined || schema.enum) return [(schema.enum || [schema.const]).join(" | ")];
  return [schema.format || schema.type || ""];
}

function link(name) {
  const anchor = make("a", "", name);
  anchor.href = `#${name}`;
  return anchor;
}

function route(path, verb, told) {
  const body = told.requestBody && shapeOf(told.requestBody.content["application/json"].schema);
  const [kind, content] = Object.entries(told.responses["200"].content)[0];
  const answers = kind === "application/json" ? shapeOf(content.schema) : [kind];
  const words = make("div", "hint", told.description || "Needs no token.");
  if (body) words.append(" Takes ", ...body, ".");
  words.append(" Answers ", ...answers, ".");
  const head = make("div", "", make("span", `verb ${verb.toUpperCase()}`, verb.toUpperCase()), make("code", "", path));
  return make("article", "route", head, make("div", "", `${told.summary}.`), words, make("pre", "", curl(path, verb, told)));
}

function curl(path, verb, told) {
  const token = told.security && told.security.length ? ' -H "Authorization: Bearer $TOKEN"' : "";
  const data = verb === "post" ? " -d @body.json" : "";
  return `curl${token}${data} ${location.origin}${path.replaceAll(/{(\w+)}/g, (_, name) => name.toUpperCase())}`;
}

function shape(name, schema) {
  const box = make("details", "", make("summary", "", name), make("p", "hint", schema.description || ""));
  box.id = name;
  const fields = make("dl", "fields");
  for (const [field, each] of Object.entries(schema.properties || {})) {
    const isOwed = (schema.required || []).includes(field);
    fields.append(make("dt", "", make("code", "", field)), make("dd", "", ...shapeOf(each), isOwed ? "" : ", optional"));
  }
  if (schema.enum) fields.append(make("dd", "", schema.enum.join(" | ")));
  box.append(fields);
  return box;
}

function open() {
  const box = at(decodeURIComponent(location.hash.slice(1)));
  if (box) { box.open = true; box.scrollIntoView(); }
}

fetch("/api/openapi.json").then((answer) => answer.json()).then((told) => {
  at("about").textContent = told.info.description;
  for (const [path, verbs] of Object.entries(told.paths))
    for (const [verb, each] of Object.entries(verbs))
      if (!PARTS_OF_PAGES.includes(Object.keys(each.responses["200"].content)[0])) at("routes").append(route(path, verb, each));
  for (const [name, schema] of Object.entries(told.components.schemas).sort()) at("shapes").append(shape(name, schema));
  addEventListener("hashchange", open);
  open();
});

"use strict";
// The OpenAPI document, to read.

function make(tag, words, kind) {
  const element = document.createElement(tag);
  if (words !== undefined) element.textContent = words;
  if (kind) element.className = kind;
  return element;
}

function shapeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${shapeOf(schema.items || (schema.prefixItems || [])[0])}`;
  const several = schema.anyOf || schema.oneOf;
  if (several) return several.map(shapeOf).join(" or ");
  return schema.format || schema.type || "";
}

function route(path, verb, told) {
  const box = make("article", undefined, "route");
  box.append(make("span", verb.toUpperCase(), `verb ${verb.toUpperCase()}`), make("code", path), make("div", told.summary));
  const body = told.requestBody && shapeOf(told.requestBody.content["application/json"].schema);
  const [kind, content] = Object.entries(told.responses["200"].content)[0];
  const answers = shapeOf(content.schema) === "string" ? kind : shapeOf(content.schema) || kind;
  const words = [told.description || "Needs no token.", body && `Takes ${body}.`, `Answers ${answers}.`];
  box.append(make("div", words.filter(Boolean).join(" "), "hint"));
  return box;
}

function shape(name, schema) {
  const box = make("details"), list = make("pre");
  const fields = Object.entries(schema.properties || {}).map(([field, each]) => `${field}: ${each.const ?? (each.enum ? each.enum.join(" | ") : shapeOf(each))}`);
  list.textContent = fields.join("\n") || (schema.enum || []).join(" | ");
  box.append(make("summary", name), make("p", schema.description || "", "hint"), list);
  return box;
}

fetch("/api/openapi.json").then((answer) => answer.json()).then((told) => {
  document.getElementById("about").textContent = told.info.description;
  for (const [path, verbs] of Object.entries(told.paths))
    for (const [verb, each] of Object.entries(verbs)) document.getElementById("routes").append(route(path, verb, each));
  for (const [name, schema] of Object.entries(told.components.schemas).sort())
    document.getElementById("shapes").append(shape(name, schema));
});

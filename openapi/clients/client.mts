// A client by openapi-typescript and openapi-fetch: what is found on which table, and what to run.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type AffectedObject = components["schemas"]["AffectedObject"];

function place(object: AffectedObject): string {
  switch (object.kind) {
    case "column": return `${object.schema}.${object.table}.${object.column}`;
    case "table": return `${object.schema}.${object.table}`;
    case "setting": return object.name;
    default: return object.kind;
  }
}

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });
const path = { target: "demo" };
const { data, error } = await client.GET("/v1/targets/{target}/toast", { params: { path, query: { severity_min: "medium" } } });
if (error) throw new Error(error.detail);
if (!("findings" in data)) throw new Error(`job ${data.id}: not asked for`);
for (const finding of data.findings) console.log(finding.severity, place(finding.object), finding.message);
for (const advice of data.recommendations) console.log(place(advice.object), advice.findings, advice.statements.map((one) => one.sql));
await client.POST("/v1/targets/{target}/workload", { params: { path }, body: "sql,calls,mean_ms\nselect 1,10,0.1\n", bodySerializer: (body) => body });
